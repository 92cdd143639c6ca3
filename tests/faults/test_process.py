"""A process is its number and its start: what is ended is only what was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults import process
from faults.file_lock import locked
from faults.listener import holds_listener
from faults.process import end_process, is_alive, start_ticks
from harness.clock import Deadline, boot_s

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(20)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal,time\nsignal.signal(15,signal.SIG_IGN)\nprint('up',flush=True)\ntime.sleep(20)",
]


def started(command: list[str]) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    return child


def test_a_process_is_known_by_its_start() -> None:
    with started(SLEEP) as child:
        ticks = start_ticks(child.pid)
        assert ticks is not None
        assert is_alive(child.pid, ticks)
        assert not is_alive(child.pid, ticks + 1)
        assert end_process(child.pid, ticks + 1, Deadline.after(1)) is False
        assert child.poll() is None
        assert end_process(child.pid, ticks, Deadline.after(3)) is True
    assert start_ticks(child.pid) is None


def test_a_zombie_is_no_process() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.read() == b""
    deadline = Deadline.after(5)
    while start_ticks(child.pid) is not None:
        assert not deadline.passed
    child.stdout.close()
    child.wait()


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    with started(STUBBORN) as child:
        ticks = start_ticks(child.pid)
        assert ticks is not None
        assert end_process(child.pid, ticks, Deadline.after(3)) is True
        assert child.wait(3) == -9


def test_without_proc_ps_tells_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "_PROC", tmp_path)
    ours = start_ticks(os.getpid())
    assert ours is not None
    assert start_ticks(os.getpid()) == ours
    assert start_ticks(2**22 - 1) is None


def test_a_lock_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "a" / "lock"
    with locked(path, Deadline.after(1)):
        begun = boot_s()
        with pytest.raises(TimeoutError), locked(path, Deadline.after(0.1)):
            pass
        assert 0.1 <= boot_s() - begun < 1
    with locked(path, Deadline.after(0)):
        pass


def test_a_listener_is_told_by_its_process() -> None:
    code = (
        "import socket,time\ns=socket.create_server(('127.0.0.1',0))\n"
        "print(s.getsockname()[1],flush=True)\ntime.sleep(20)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert holds_listener(child.pid, port) in {True, None}
        assert not holds_listener(os.getpid(), port)
        child.kill()
