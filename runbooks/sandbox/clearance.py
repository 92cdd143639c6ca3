"""Taking away what a sandbox left behind when its supervisor could not: processes first, then the folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from pathlib import Path

from faults.process import end_process, is_alive, start_ticks
from faults.toxiproxy_server import ManagedServer
from harness.clock import Deadline
from harness.errors import GamedayError, ReachFailed
from runbooks.sandbox.part import MARK
from runbooks.sandbox.state import SandboxState

_PROC = Path("/proc")
_POLL_S = 0.02


def clear_away(folder: Path, deadline: Deadline) -> None:
    """Ends every process that belongs to the sandbox in `folder` and removes the folder. Nothing there is fine.

    Raises GamedayError when something is still there at the deadline.
    """
    try:
        _end_recorded(folder, deadline)
        stop_toxiproxy(folder)
        end_marked(folder, deadline)
    except TimeoutError as error:
        raise GamedayError(str(error), where=str(folder), mend="end it by hand, then try again") from None
    remove(folder, deadline)


def stop_toxiproxy(folder: Path) -> None:
    """Ends the sandbox's toxiproxy-server, whoever started it last."""
    with contextlib.suppress(ReachFailed):
        ManagedServer.attach(folder / "toxiproxy").stop()


def end_marked(folder: Path, deadline: Deadline) -> None:
    """Ends what carries the sandbox's mark in its environment: commands that outlived their host, for example."""
    for pid, ticks in _marked(folder):
        end_process(pid, ticks, deadline, ask_first=False)


def remove(folder: Path, deadline: Deadline) -> None:
    """Removes the folder. A server that is just ending may still write into it, so it is tried until the deadline."""
    pause = threading.Event()
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        if deadline.passed:
            raise GamedayError("the folder could not be removed", where=str(folder), mend=f"rm -rf {folder}")
        pause.wait(_POLL_S)


def wait_gone(pid: int, ticks: int, deadline: Deadline) -> None:
    """Returns when the process is gone, or at the deadline."""
    pause = threading.Event()
    while is_alive(pid, ticks) and not deadline.passed:
        pause.wait(_POLL_S)


def _end_recorded(folder: Path, deadline: Deadline) -> None:
    state = SandboxState.read(folder)
    if state is None:
        return
    end_process(state.supervisor_pid, state.supervisor_ticks, deadline, ask_first=False)
    for part in state.parts:
        if part.alive and part.name == "postgresql":
            # Its "immediate shutdown": asked so, it takes its shared memory with it.
            os.kill(part.pid, signal.SIGQUIT)
            wait_gone(part.pid, part.ticks, Deadline.after(min(2.0, deadline.left_s())))
        end_process(part.pid, part.ticks, deadline, ask_first=False)


def _marked(folder: Path) -> list[tuple[int, int]]:
    mark = f"{MARK}={folder}".encode()
    found = []
    for place in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
        try:
            words = (place / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        pid = int(place.name)
        ticks = start_ticks(pid) if mark in words and pid != os.getpid() else None
        if ticks is not None:
            found.append((pid, ticks))
    return found
