"""A process by its identity: a number alone may be used again, a number and its start time are one process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from datetime import datetime
from pathlib import Path

from harness.clock import Deadline

_PROC = Path("/proc")
_POLL_S = 0.01
_TERM_S = 0.5


def start_ticks(pid: int) -> int | None:
    """When process `pid` started, in the system's own ticks; None when there is none, or only its zombie. A leader that
    has ended before its other threads looks like one, while they still hold the ports."""
    fields = _stat(pid)
    if fields is not None:
        over = fields[0] == "X" or (fields[0] == "Z" and not _has_threads(pid))
        return None if over else int(fields[19])
    return None if _PROC.joinpath("self/stat").exists() else _start_by_ps(pid)


def is_alive(pid: int, ticks: int) -> bool:
    """Whether the process that started at `ticks` still runs."""
    return start_ticks(pid) == ticks


def end_process(pid: int, ticks: int, deadline: Deadline, *, ask_first: bool = True) -> bool:
    """End one process: SIGTERM, then SIGKILL. False when it was gone already.

    Raises TimeoutError when it is still there at the deadline.
    """
    if not is_alive(pid, ticks):
        return False
    if ask_first:
        _signal(pid, signal.SIGTERM)
        if wait_gone(pid, ticks, Deadline.after(min(_TERM_S, deadline.left_s()))):
            return True
    _signal(pid, signal.SIGKILL)
    if not wait_gone(pid, ticks, deadline):
        raise TimeoutError(f"process {pid} is still there")
    return True


def end_group(pgid: int, ticks: int, deadline: Deadline) -> bool:
    """End a process group whose leader started at `ticks`: SIGTERM to all, then SIGKILL. False when it was gone.

    Members that outlive their leader belong to it still: the number can't be given away while they live.
    Raises TimeoutError when some are still there at the deadline.
    """
    if not group_alive(pgid, ticks):
        return False
    for number, wait_s in ((signal.SIGTERM, min(_TERM_S, deadline.left_s() / 2)), (signal.SIGKILL, deadline.left_s())):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pgid, number)
        until, pause = Deadline.after(wait_s), threading.Event()
        while group_alive(pgid, ticks):
            if until.passed:
                break
            pause.wait(_POLL_S)
        else:
            return True
    raise TimeoutError(f"process group {pgid} is still there")


def group_alive(pgid: int, ticks: int) -> bool:
    """Whether the group still has a living process, and is the one whose leader started at `ticks`."""
    leader = start_ticks(pgid)
    if leader is not None:
        return leader == ticks
    if not _PROC.joinpath("self/stat").exists():
        return False
    pids = (int(p.name) for p in _PROC.iterdir() if p.name.isdigit())
    members = (fields for pid in pids if (fields := _stat(pid)) is not None and int(fields[2]) == pgid)
    return any(fields[0] not in {"Z", "X"} and int(fields[19]) >= ticks for fields in members)


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third on: the second, the name, may hold anything."""
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _has_threads(pid: int) -> bool:
    try:
        return sum(1 for _ in _PROC.joinpath(str(pid), "task").iterdir()) > 1
    except OSError:
        return False


def _start_by_ps(pid: int) -> int | None:
    """Where there is no /proc: the start in seconds, as ps says."""
    try:
        command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False, env={"LC_ALL": "C"})
        state, _, started = answer.stdout.strip().partition(" ")
        if not state or state.startswith("Z"):
            return None
        return int(datetime.strptime(started.strip(), "%a %b %d %H:%M:%S %Y").astimezone().timestamp())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_gone(pid: int, ticks: int, deadline: Deadline) -> bool:
    """Whether the process has ended by the deadline."""
    pause = threading.Event()
    while is_alive(pid, ticks):
        if deadline.passed:
            return False
        pause.wait(_POLL_S)
    return True
