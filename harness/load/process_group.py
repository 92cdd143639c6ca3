"""A child process with its whole process group: is anyone left, and the end of all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path

from harness.clock import Deadline

_LOOK_EVERY_S = 0.01
_DEAD = "ZX"


class ProcessGroup:
    """The group and session of a child that was started with `start_new_session=True`.

    The leader stays unreaped until the group is empty: so its number can't be given to a stranger whom we would kill.
    """

    def __init__(self, leader: subprocess.Popen[bytes]) -> None:
        self._leader = leader
        self._lock = threading.Lock()
        self._empty = False
        self.pgid = leader.pid
        self.start_ticks = _start_ticks(leader.pid)

    @property
    def leader_exited(self) -> bool:
        return self._leader.returncode is not None or self._ended() is not None

    @property
    def exit_code(self) -> int | None:
        """The leader's exit code (minus the signal that killed it); None while it lives."""
        if self._leader.returncode is not None:
            return self._leader.returncode
        ended = self._ended()
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    @property
    def empty(self) -> bool:
        """No process of the group or of its session is left; zombies hold nothing and don't count."""
        with self._lock:
            if not self._empty and self.leader_exited and not _living(self.pgid):
                self._leader.wait()
                self._empty = True
            return self._empty

    def kill(self) -> None:
        """SIGKILL to all of them, stopped ones too."""
        if self.empty:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pgid, signal.SIGKILL)
        for pid in _living(self.pgid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def wait_empty(self, deadline: Deadline) -> bool:
        """True once nobody is left, False when the deadline came first."""
        pause = threading.Event()
        while not self.empty:
            if deadline.passed:
                return False
            pause.wait(min(_LOOK_EVERY_S, deadline.left_s()))
        return True

    def left(self) -> tuple[int, ...]:
        """The processes that still live."""
        return _living(self.pgid)

    def _ended(self) -> os.waitid_result | None:
        try:
            return os.waitid(os.P_PID, self.pgid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            self._leader.poll()  # somebody has reaped it: this makes its return code known
            return None


def _living(pgid: int) -> tuple[int, ...]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat_fields(folder)
            if fields and fields[0] not in _DEAD and str(pgid) in fields[2:4]:
                found.append(int(folder.name))
    return tuple(found)


def _start_ticks(pid: int) -> int:
    fields = _stat_fields(Path("/proc") / str(pid))
    return int(fields[19]) if fields else 0


def _stat_fields(folder: Path) -> list[str]:
    """The fields of `stat` from the third on (state, parent, group, session, ...); the command may hold anything."""
    try:
        return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
