"""The front door's answers to wrong usage and odd run folders: one message, the contract's exit code, no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from front_door import Gameday, play

from faults.process import start_ticks
from faults.undo import ProcessUndo
from harness.clock import Clock
from harness.journal import reader
from harness.journal.reader import JournalView
from harness.journal.record import FaultHealed, RunStarted, UndoWritten, VerdictReached
from harness.journal.writer import Journal
from harness.report.result import build
from runbooks.signals import interrupting_signals
from runbooks.summary import summary

STARTED = RunStarted(t=0.1, run="r1", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="t",
                     runbook_path="book.yaml", hypothesis="h", expect="held", target="t", target_path="target.yaml",
                     environment="practice", base_url="http://127.0.0.1:1")  # fmt: skip


@pytest.fixture
def gameday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gameday:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    return partial(play, monkeypatch, capsys)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run that was killed before it wrote anything."""
    (tmp_path / "runs" / "r1" / "journal").mkdir(parents=True)
    (tmp_path / "runs" / "latest").symlink_to("r1")
    return tmp_path / "runs" / "r1"


def test_a_mistyped_command_is_answered_with_the_right_one(gameday):
    said = gameday("runn")
    assert said.code == 2
    assert "'run'" in said.err


def test_an_unknown_runbook_is_told_before_a_sandbox_is_brought_up(gameday):
    for command in ("run", "check"):
        said = gameday(command, "dril")
        assert said.code == 2
        assert "did you mean 'drill'?" in said.err
        assert "sandbox" not in said.out


def test_every_defect_has_a_line_with_file_line_and_mend(gameday):
    Path("book.yaml").write_text("titel: x\nfaults:\n- {kind: latncy, proxy: a, for: -3s}\n")
    Path("target.yaml").write_text("environment: practice\nbase_urll: http://127.0.0.1:1\nallow: [127.0.0.0/8]\n")
    said = gameday("run", "book.yaml", "--target", "target.yaml")
    assert said.code == 2
    lines = said.err.splitlines()
    assert any(line.endswith("book.yaml:1: unknown key 'titel' (did you mean 'title'?)") for line in lines)
    assert any("target.yaml:2: unknown key 'base_urll'" in line for line in lines)
    assert any("book.yaml:3: " in line and "negative" in line for line in lines)


def test_a_target_file_and_a_sandbox_that_are_not_there_are_bad_input(gameday):
    assert gameday("run", "drill", "--target", "nope.yaml").code == 2
    said = gameday("run", "drill", "--target", "sandbox:nowhere")
    assert said.code == 2
    assert "gameday sandbox up --name nowhere" in said.err
    assert gameday("run", "drill", "--target", "sandbox:../../etc").code == 2


def test_a_file_where_the_run_folders_should_be_is_bad_input(gameday):
    Path("runs").touch()
    for command in ("status", "heal", "report"):
        said = gameday(command)
        assert said.code == 2
        assert "runs" in said.err


def test_with_no_run_at_all_heal_has_nothing_to_do_and_the_others_say_that_there_is_none(gameday):
    assert gameday("heal").code == 0
    assert gameday("status").code == 0
    for command in ("report", "rerun", "stop"):
        said = gameday(command)
        assert said.code == 2, command
        assert said.err.count("\n") == 1


def test_a_run_killed_at_its_start_can_be_looked_at_and_not_played_again(gameday, run_folder):
    assert "latest: r1: no verdict: it was killed, or its disk was full\n" in gameday("status").out
    assert gameday("heal").code == 0
    for command in ("report", "rerun"):
        said = gameday(command)
        assert said.code == 2, command
        assert said.err == f"gameday: {run_folder}: its journal holds no start of a run (name another run)\n"
    assert sorted(p.name for p in run_folder.iterdir()) == ["journal"]


@pytest.fixture
def left_load() -> Iterator[ProcessUndo]:
    """A load whose run is dead, and its undo record."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield ProcessUndo(fault_id="load", pgid=process.pid, start_ticks=start_ticks(process.pid) or 0, what="locust")
    process.kill()
    process.wait(5)


def test_garbage_in_one_journal_hides_no_leftover(gameday, run_folder, left_load):
    with Journal(run_folder / "journal", "conductor", Clock.start()) as journal:
        journal.write(STARTED)
        journal.write(UndoWritten(t=1.0, fault_id="load", undo=left_load.model_dump()))
    deep = b"[" * 100_000
    with (run_folder / "journal" / "conductor.jsonl").open("ab") as segment:
        segment.write(b'[1,2]\n{"kind":"undo","t":"x"}\n' + deep + b"\n" + bytes(range(256)) + b'\n{"kind":"und')
    (run_folder / "journal" / "folder.jsonl").mkdir()
    assert "LEFT BEHIND load (locust) of run r1" in gameday("status").out
    healed = gameday("heal")
    assert healed.code == 0
    assert "healed load (locust)" in healed.out
    assert reader.read(run_folder).first(FaultHealed) is not None
    assert "nothing to heal" in gameday("heal").out


def test_schema_and_list_print_what_editors_and_people_need(gameday):
    assert "properties" in json.loads(gameday("schema").out)
    assert "properties" in json.loads(gameday("schema", "target").out)
    assert "drill" in gameday("list").out


def test_the_summary_sends_nobody_to_an_incident_that_was_not_written(tmp_path):
    stopped = VerdictReached(t=2.0, verdict="stopped", reason="a person pressed Ctrl-C", exit_code=11)
    result = build(JournalView((STARTED, stopped)))
    assert "incident.md" not in str(summary(result, tmp_path))
    (tmp_path / "incident.md").touch()
    assert str(summary(result, tmp_path)).count("incident.md") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_outside_a_run_a_signal_ends_a_command_as_ctrl_c_does(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupting_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_under_nohup_a_hang_up_is_no_reason_to_stop():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupting_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


INTERRUPTED_IMPORT = """
import signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "runbooks.cli":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
from runbooks.entry import main
main()
"""


def test_ctrl_c_while_the_program_is_still_imported_ends_in_one_line():
    ended = subprocess.run([sys.executable, "-P", "-c", INTERRUPTED_IMPORT], capture_output=True, text=True,
                           timeout=30, check=False)  # fmt: skip
    assert (ended.returncode, ended.stderr) == (11, "interrupted\n")


def test_a_reader_that_leaves_is_no_error_to_shout_about():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-P", "-c", "from runbooks.entry import main; main()", "schema"]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")
