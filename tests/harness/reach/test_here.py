"""Commands on this machine: their output, their end, and nothing left when time is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.here import run_here


def test_both_outputs_and_the_exit_code_come_back(tmp_path: Path) -> None:
    result = run_here("pwd; echo oops >&2; exit 7", Deadline.after(20), folder=tmp_path)
    assert (result.stdout.decode().strip(), result.stderr, result.exit_code) == (str(tmp_path), b"oops\n", 7)
    assert not result.truncated


def test_too_much_output_is_cut_off_and_nothing_can_be_typed(tmp_path: Path) -> None:
    result = run_here("cat; yes | head -c 100000", Deadline.after(20), folder=tmp_path, max_bytes=1000)
    assert (len(result.stdout), result.truncated, result.exit_code) == (1000, True, 0)


def test_what_stays_in_the_background_does_not_hold_it_up(tmp_path: Path) -> None:
    begun = boot_s()
    assert run_here("sleep 3 & echo started", Deadline.after(20), folder=tmp_path).stdout == b"started\n"
    assert boot_s() - begun < 2.5


def test_at_the_deadline_it_is_ended_with_all_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; (sleep 2; echo late > late) & sleep 30"
    with pytest.raises(ReachTimeout, match="did not end in time"):
        run_here(script, Deadline.after(0.3), folder=tmp_path)
    with pytest.raises(ReachTimeout):
        run_here("sleep 2.5", Deadline.after(2.2), folder=tmp_path)
    assert not (tmp_path / "late").exists()


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReachFailed, match="can't be started in"):
        run_here("true", Deadline.after(5), folder=tmp_path / "gone")
