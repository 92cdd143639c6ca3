"""A part of the sandbox: one server in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from faults.process import start_ticks
from harness.clock import Deadline
from harness.errors import BadInput, GamedayError
from runbooks.sandbox.part import MARK, Part, PartPlan, last_words, start


def _started(tmp_path: Path, script: str) -> Part:
    command = (sys.executable, "-c", script)
    return start(PartPlan("server", command, 7, tmp_path / "log", ready=lambda: True), tmp_path)


@pytest.mark.parametrize(
    ("words", "kind", "what"),
    [
        ("could not bind: Address already in use", BadInput, "port 7 was taken"),
        ("write: No space left on device", BadInput, "the disk is full"),
        ("no such luck", GamedayError, "server did not start: no such luck"),
    ],
)
def test_a_part_that_ends_at_once_says_why(tmp_path: Path, words: str, kind: type[GamedayError], what: str) -> None:
    part = _started(tmp_path, f"print({words!r})")
    part.process.wait(10)
    with pytest.raises(kind, match=what) as caught:
        part.check()
    assert type(caught.value) is kind


def test_it_runs_in_the_folder_with_the_mark_in_a_session_of_its_own(tmp_path: Path) -> None:
    part = _started(tmp_path, f"import os; print(os.getcwd(), os.environ[{MARK!r}], os.getsid(0) == os.getpid())")
    part.process.wait(10)
    assert last_words(tmp_path / "log") == f"{tmp_path} {tmp_path} True"
    part.signal(signal.SIGTERM)


def test_a_part_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, threading; from runbooks.sandbox.part import *\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "part = start(PartPlan('sleeper', ('sleep', '60'), 1, folder / 'log', ready=lambda: True), folder)\n"
        "print(part.state.pid, part.state.ticks, flush=True); threading.Event().wait(60)"
    )
    parent = subprocess.Popen([sys.executable, "-P", "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid, ticks = (int(word) for word in parent.stdout.readline().split())
    assert start_ticks(pid) == ticks
    parent.kill()
    parent.wait()
    deadline, pause = Deadline.after(5), threading.Event()
    while start_ticks(pid) == ticks and not deadline.passed:
        pause.wait(0.01)
    assert start_ticks(pid) != ticks


def test_a_silent_log_is_said_to_be_silent(tmp_path: Path) -> None:
    assert last_words(tmp_path / "none") == "it said nothing"
