"""What is known of a sandbox on disk."""

from __future__ import annotations

import os
from pathlib import Path

from faults.process import start_ticks
from runbooks.sandbox.state import PartState, SandboxState


def _state(ticks: int) -> SandboxState:
    part = PartState(name="valkey", pid=os.getpid(), ticks=ticks, port=1)
    return SandboxState(name="a", supervisor_pid=os.getpid(), supervisor_ticks=ticks, parts=(part,))


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    state = _state(7)
    state.write(tmp_path)
    assert SandboxState.read(tmp_path) == state
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_no_folder_no_file_and_half_a_file_are_no_state(tmp_path: Path) -> None:
    assert SandboxState.read(tmp_path / "gone") is None
    assert SandboxState.read(tmp_path) is None
    (tmp_path / "state.json").write_text('{"name": "a", "supervis')
    assert SandboxState.read(tmp_path) is None


def test_a_process_lives_only_by_number_and_start_together() -> None:
    mine = start_ticks(os.getpid())
    assert mine is not None
    assert _state(mine).alive
    assert _state(mine).parts[0].alive
    assert not _state(mine - 1).alive
    assert not _state(mine - 1).parts[0].alive
