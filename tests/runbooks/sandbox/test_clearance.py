"""Taking away what a dead sandbox left behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from faults.process import start_ticks
from harness.clock import Deadline
from runbooks.sandbox.clearance import clear_away
from runbooks.sandbox.part import MARK
from runbooks.sandbox.state import PartState, SandboxState


def test_recorded_and_marked_processes_end_and_the_folder_goes(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    recorded = subprocess.Popen(["sleep", "60"])
    marked = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(folder)}, start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: f"{folder}-2"})
    try:
        part = PartState(name="valkey", pid=recorded.pid, ticks=start_ticks(recorded.pid) or 0, port=1)
        SandboxState(name="box", supervisor_pid=1, supervisor_ticks=-1, parts=(part,)).write(folder)
        clear_away(folder, Deadline.after(5))
        assert not folder.exists()
        assert start_ticks(recorded.pid) is None
        assert start_ticks(marked.pid) is None
        assert start_ticks(stranger.pid) is not None
    finally:
        for process in (recorded, marked, stranger):
            process.kill()
            process.wait()


def test_a_number_that_was_given_to_another_process_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        part = PartState(name="valkey", pid=other.pid, ticks=(start_ticks(other.pid) or 0) - 1, port=1)
        SandboxState(name="box", supervisor_pid=1, supervisor_ticks=-1, parts=(part,)).write(tmp_path)
        clear_away(tmp_path, Deadline.after(5))
        assert start_ticks(other.pid) is not None
    finally:
        other.kill()
        other.wait()


def test_nothing_there_is_fine(tmp_path: Path) -> None:
    clear_away(tmp_path / "never", Deadline.after(1))
