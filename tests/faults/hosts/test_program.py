"""The programs for hosts: they parse in every shell, and no value of a runbook is ever taken for a command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from faults.host_kinds import HOST_KINDS
from faults.hosts.facts import Facts
from faults.hosts.host_fault import folder_name
from faults.hosts.program import MARK, SCRIPTS, ask_command, program, start_command
from harness.errors import ReachFailed

VALUES = {"dir": "/tmp/gameday-none-here", "lease_s": "3", "limit_s": "30", "sudo": "", "leave_kb": "1", "bytes": "2"}
SHELLS = [[path] for shell in ("dash", "bash", "sh") if (path := shutil.which(shell))]
SHELLS += [[path, "sh"] for path in [shutil.which("busybox")] if path]


def test_each_kind_on_a_host_has_its_program() -> None:
    assert SCRIPTS.keys() == {kind.name for kind in HOST_KINDS}


@pytest.mark.parametrize("kind", SCRIPTS)
@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: Path(words[0]).name)
def test_each_program_parses_and_is_short(kind: str, shell: list[str]) -> None:
    text = program(kind, VALUES)
    checked = subprocess.run([*shell, "-n"], input=text, text=True, capture_output=True, check=False, timeout=10)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert len(text) < 12_000
    assert not any(line.startswith(("#", " ")) for line in text.splitlines())


@pytest.mark.parametrize("path", ["/a b", "/$(touch {0})", "/`touch {0}`", "/'; touch {0}; '", '/"$HOME"', "/-n"])
def test_a_path_is_never_a_command(path: str, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    values = {**VALUES, "path": path.replace("{0}", str(touched)), "file_folder": ".x"}
    text = program("host-disk", values)
    said = subprocess.run(
        ["sh", "-c", ask_command("find")], input=text, text=True, capture_output=True, check=True, timeout=10
    )
    assert "path missing" in said.stdout
    assert said.stdout.endswith("end\n")
    assert not touched.exists()


def test_the_guardian_takes_no_folder_that_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    command = start_command(str(tmp_path / "link"), program("host-cpu", VALUES))
    said = subprocess.run(["sh", "-c", command], text=True, capture_output=True, check=False, timeout=10)
    assert said.stdout == f"failed no folder could be made at {tmp_path / 'link'}\n"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_healing_follows_no_link_and_touches_no_folder_of_another_name(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    link = Path("/tmp") / f"gameday-{tmp_path.name}-link"
    link.symlink_to(kept)
    try:
        for folder in (str(link), str(kept)):
            text = program("host-cpu", {**VALUES, "dir": folder})
            said = subprocess.run(
                ["sh", "-c", ask_command("heal", "1")],
                input=text,
                text=True,
                capture_output=True,
                check=True,
                timeout=10,
            )
            assert said.stdout == "healed\n"
    finally:
        link.unlink()
    assert (kept / "file").exists()


def test_every_process_of_ours_carries_the_mark_that_the_watch_leaves_out() -> None:
    assert MARK in ask_command("measure")
    assert start_command("/tmp/x", "").count(MARK) >= 2


def test_folders_are_told_apart_and_plain() -> None:
    names = {
        folder_name("run 1", "f1"),
        folder_name("run 1", "f2"),
        folder_name("run-1", "f1x"),
        folder_name("r" * 200, "f1"),
    }
    assert len(names) == 4
    assert all(
        len(name) < 100 and name.startswith("gameday-") and "/" not in name and " " not in name for name in names
    )


def test_what_a_host_says_is_read_by_its_words_and_an_answer_without_an_end_is_none() -> None:
    facts = Facts.read("motd\nprocess 1 S 5\nprocess 2 T 6\nticks 10 20\nodd x -3\nend\nlater\n", "app-1")
    assert facts.all("process") == ("1 S 5", "2 T 6")
    assert facts.numbers("ticks") == (10, 20)
    assert facts.numbers("odd") == (0, -3)
    assert (facts.one("none"), facts.number("none"), facts.all("later")) == ("", 0, ())
    with pytest.raises(ReachFailed, match="did not answer as sh does"):
        Facts.read("process 1 S 5\n", "app-1")
