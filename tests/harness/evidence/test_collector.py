"""What is collected of log files, with the real scripts in a local shell."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.evidence.bundle import Bundle
from harness.evidence.collector import HostPlan, LogCollector
from harness.redaction import Redactor


def append(file: Path, text: str) -> None:
    with file.open("a") as f:
        f.write(text)


def test_only_what_was_written_during_the_run_is_collected(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n" * 100)
    collected.during((str(log),), lambda: append(log, "during\n"))
    assert collected.texts() == {"app.log": "during\n"}
    assert collected.record.complete


def test_a_log_that_did_not_grow_is_listed_and_not_missing(collected: Any, logs: Path) -> None:
    append(logs / "app.log", "before\n")
    collected.during((f"{logs}/*.log",), lambda: None)
    manifest = json.loads((collected.run_folder / "evidence/manifest.json").read_text())
    assert manifest["unchanged"] == [{"source": "app-1", "what": f"{logs}/app.log"}]
    assert manifest["complete"]
    assert not manifest["files"]


def test_a_renamed_log_is_followed_into_its_new_name(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")

    def rotate() -> None:
        append(log, "first\n")
        log.rename(logs / "app.log.1")
        append(log, "second\n")

    collected.during((str(log),), rotate)
    assert collected.texts() == {"app.log.1": "first\n", "app.log": "second\n"}
    assert collected.record.complete


def test_a_log_rotated_twice_loses_nothing(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")
    append(logs / "app.log.1", "long ago\n")

    def rotate() -> None:
        for text in ("first\n", "second\n"):
            append(log, text)
            for number in (2, 1):
                if (logs / f"app.log.{number}").exists():
                    (logs / f"app.log.{number}").rename(logs / f"app.log.{number + 1}")
            log.rename(logs / "app.log.1")
        append(log, "third\n")

    collected.during((str(log),), rotate)
    assert collected.texts() == {"app.log.2": "first\n", "app.log.1": "second\n", "app.log": "third\n"}


def test_a_log_renamed_to_any_name_in_its_folder_is_found_by_its_inode(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")

    def rotate() -> None:
        append(log, "first\n")
        log.rename(logs / "app_20261122.old")
        append(log, "second\n")

    collected.during((str(log),), rotate)
    assert collected.texts() == {"app_20261122.old": "first\n", "app.log": "second\n"}
    assert collected.record.complete


def test_a_log_that_was_copied_and_truncated_loses_nothing(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n" * 100)

    def rotate() -> None:
        append(log, "first\n")
        (logs / "app.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        append(log, "second\n")

    collected.during((str(log),), rotate)
    assert collected.texts() == {"app.log.1": "first\n", "app.log": "second\n"}
    assert collected.record.complete


def test_a_new_file_with_the_inode_of_the_old_one_is_taken_from_its_start(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")

    def replace() -> None:
        os.truncate(log, 0)  # what a new file in the place of the old inode looks like
        append(log, "another, longer content\n")

    collected.during((str(log),), replace)
    assert collected.texts() == {"app.log": "another, longer content\n"}
    assert "rotated away, truncated or deleted" in collected.missing()["app.log"]


def test_a_log_that_was_compressed_away_is_missing_with_its_reason(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")

    def rotate() -> None:
        (logs / "app.log.1.gz").write_bytes(b"\x1f\x8bpassword")
        log.unlink()
        append(log, "fresh\n" * 3)

    collected.during((str(log),), rotate)
    assert "compressed" in collected.missing()["app.log.1.gz"]
    assert not collected.record.complete
    assert "app.log" in collected.texts()


def test_a_file_that_appears_during_the_run_is_collected(collected: Any, logs: Path) -> None:
    collected.during((f"{logs}/*.log",), lambda: append(logs / "new.log", "all of it\n"))
    assert [p.reason for p in collected.problems] == ["no file matches"]
    assert collected.texts() == {"new.log": "all of it\n"}
    assert collected.record.complete


def test_each_path_that_can_not_be_had_is_missing_with_its_reason(collected: Any, logs: Path, doors: Any) -> None:
    (logs / "sub").mkdir()
    os.mkfifo(logs / "pipe.log")
    secret = logs / "closed.log"
    append(secret, "x")
    secret.chmod(0o000)
    (logs / "closed").mkdir(mode=0o000)
    for folder in (logs, *logs.parents):
        folder.chmod(0o755)
        if folder.name.startswith("pytest-of-"):
            break
    collected.door = doors["local"](unprivileged=True)
    wanted = tuple(
        str(logs / name) for name in ("none*.log", "no/such.log", "sub", "pipe.log", "closed.log", "closed/a.log")
    )
    collected.during(wanted, lambda: None)
    assert collected.missing() == {
        "none*.log": "no file matches",
        "such.log": "no file matches: there is no such folder",
        "sub": "it is a folder: name its files, such as folder/*.log",
        "pipe.log": "not a regular file",
        "closed.log": "permission denied",
        "a.log": "permission denied on its folder",
    }


@pytest.mark.parametrize(
    "name", ["new\nline.log", 'it\'s "quoted" $(touch pwned).log', "-rf.log", "caf\udce9.log", "日本.log"]
)
def test_any_name_a_file_can_have_is_collected_and_never_decides_where(collected: Any, logs: Path, name: str) -> None:
    log = logs / name
    log.touch()
    collected.during((f"{logs}/*.log",), lambda: append(log, "during\n"))
    (file,) = collected.record.files
    assert list(collected.texts().values()) == ["during\n"]
    assert Path(file.path).parent == Path("evidence/app-1")
    assert file.path.isascii()
    assert file.path.isprintable()
    json.loads((collected.run_folder / "evidence/manifest.json").read_text("utf-8"))


def test_a_glob_with_spaces_and_brackets_is_one_word(collected: Any, logs: Path) -> None:
    folder = logs / "my app; rm"
    folder.mkdir()
    for name in ("a1.log", "a2.log", "ab.log"):
        (folder / name).touch()
    collected.during((f"{folder}/a[0-9].l?g",), lambda: [append(folder / n, n) for n in ("a1.log", "a2.log", "ab.log")])
    assert set(collected.texts()) == {"a1.log", "a2.log"}


def test_a_file_named_by_two_globs_and_a_link_is_collected_once(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    log.touch()
    (logs / "current").symlink_to(log)
    collected.during((str(log), f"{logs}/*"), lambda: append(log, "x\n"))
    assert len(collected.record.files) == 1


def test_a_long_log_keeps_head_and_tail_and_says_how_much_is_left_out(collected: Any, logs: Path) -> None:
    log = logs / "big.log"
    append(log, "before\n")
    lines = [f"line {n:06} {'x' * 88}\n" for n in range(60_000)]
    collected.during((str(log),), lambda: append(log, "".join(lines)))
    text = collected.texts()["big.log"]
    (file,) = collected.record.files
    assert file.truncated
    assert len(text) < 4 * 1024 * 1024 + 100
    assert text.startswith(lines[0])
    assert text.endswith(lines[-1])
    marker = next(line for line in text.splitlines() if line.startswith("[..."))
    kept = sum(len(line) + 1 for line in text.splitlines() if line != marker)
    assert marker == f"[... {len(''.join(lines)) - kept} bytes left out by gameday ...]"
    assert all(line in {marker, ""} or len(line) == 100 for line in text.splitlines())


def test_binary_junk_and_terminal_codes_become_plain_text_without_secrets(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    log.touch()
    junk = b"\x00\xff\xfe\x1b[31mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m \x07bell known-s3cret\r\nnext\n"
    collected.during((str(log),), lambda: log.write_bytes(junk))
    assert collected.texts()["app.log"] == "\\x00\ufffd\ufffdpassword=[redacted] \\x07bell [redacted]\r\nnext\n"


def test_a_file_rotated_between_looking_and_reading_is_still_read(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")

    def rotate(command: str) -> None:
        if "tail -c" in command and not (logs / "app.log.1").exists():
            log.rename(logs / "app.log.1")
            append(log, "later\n")

    collected.door.hook = rotate
    collected.during((str(log),), lambda: append(log, "during\n"))
    assert list(collected.texts().values()) == ["during\n"]


def test_a_file_that_vanishes_between_looking_and_reading_is_missing(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    append(log, "before\n")
    collected.door.hook = lambda command: log.unlink(missing_ok=True) if "tail -c" in command else None
    collected.during((str(log),), lambda: append(log, "during\n"))
    assert "could not be read" in collected.missing()["app.log"]


def test_commands_are_collected_as_on_a_terminal(collected: Any) -> None:
    collected.during((), lambda: None, ("echo out; echo err >&2; exit 3", "no-such-program --flag"))
    (text,) = collected.texts().values()
    assert text == "$ echo out; echo err >&2; exit 3\nout\n[standard error]\nerr\n[exit code 3]\n"
    assert "is not there" in collected.missing()["no-such-program --flag"]


def test_a_secret_in_a_command_is_not_in_the_bundle(collected: Any) -> None:
    collected.during((), lambda: None, ("echo known-s3cret",))
    for file in collected.run_folder.rglob("*"):
        assert "known-s3cret" not in str(file)
        assert not file.is_file() or "known-s3cret" not in file.read_text("utf-8")


def test_what_a_login_shell_prints_does_not_disturb(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    log.touch()
    run = collected.door.run

    def noisy(command: str, deadline: Deadline, *, max_bytes: int = 1 << 22) -> Any:
        return run(f"echo Welcome; {command}", deadline, max_bytes=max_bytes)

    collected.door.run = noisy
    collected.during((str(log),), lambda: append(log, "during\n"))
    assert collected.texts() == {"app.log": "during\n"}


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_host_that_hangs_or_fails_costs_the_others_nothing(
    tmp_path: Path, logs: Path, doors: Any, *, from_the_start: bool
) -> None:
    log, released = logs / "app.log", threading.Event()
    log.touch()
    hanging = doors["local"]()
    hang = lambda command: released.wait(20)  # noqa: E731 - past every deadline, in the most ill-mannered way
    collector = LogCollector(
        [
            HostPlan("hanging", hanging, (str(log),)),
            HostPlan("good", doors["local"](), (str(log),)),
            HostPlan("refusing", doors["failing"](), ("/var/log/y",), ("df -h",)),
        ]
    )
    if from_the_start:
        hanging.hook = hang
    problems = collector.remember(Deadline.after(0.5))
    assert {p.source for p in problems} == {"refusing"} | ({"hanging"} if from_the_start else set())
    append(log, "during\n")
    hanging.hook = hang
    bundle = Bundle(tmp_path / "run", Redactor())
    start = time.monotonic()
    collector.collect(bundle, deadline_s_per_host=0.5)
    assert time.monotonic() - start < 2.5
    record = bundle.finish()
    released.set()
    assert [f.source for f in record.files] == ["good"]
    assert {(m.source, m.what) for m in record.missing} == {
        ("hanging", str(log) if from_the_start else "what is not listed"),
        ("refusing", "/var/log/y"),
        ("refusing", "df -h"),
    }
    assert not record.complete


def test_a_host_that_was_not_reached_at_the_start_says_so_at_the_end(collected: Any, logs: Path) -> None:
    def down(command: str) -> None:
        raise ReachFailed("nothing listens there")

    collected.door.hook = down
    (logs / "app.log").touch()
    collected.during((str(logs / "app.log"),), lambda: setattr(collected.door, "hook", lambda command: None))
    assert "not reached at the start" in collected.missing()["app.log"]


def test_a_connection_lost_in_the_middle_costs_nothing(collected: Any, logs: Path) -> None:
    log, lost = logs / "app.log", []
    log.touch()

    def lose(command: str) -> None:
        if "tail -c" in command and not lost:
            lost.append(command)
            raise ReachFailed("the connection died")

    collected.door.hook = lose
    collected.during((str(log),), lambda: append(log, "during\n"))
    assert collected.texts() == {"app.log": "during\n"}
    assert collected.record.complete
    assert lost


def test_a_full_disk_is_a_reason_and_not_a_crash(collected: Any, logs: Path) -> None:
    log = logs / "app.log"
    log.touch()
    (collected.run_folder / "evidence/app-1").write_text("a file where a folder should be")
    collected.during((str(log),), lambda: append(log, "during\n"))
    assert "could not be written" in collected.missing()["app.log"]
