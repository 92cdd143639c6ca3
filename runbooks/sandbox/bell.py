"""What wakes the supervisor: SIGTERM, SIGINT, SIGUSR1, or its owner's end of a pipe."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from types import FrameType

from harness.clock import Deadline


class Bell:
    """Waits that a signal interrupts. `owner` is the reading end of the owner's pipe, or None."""

    def __init__(self, owner: int | None) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._owner = owner
        self.rung = False
        self._restart_asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)
        signal.signal(signal.SIGUSR1, self._ask_restart)

    def wait(self, seconds: float) -> bool:
        """Waits for a signal; True once one has come."""
        deadline = Deadline.after(seconds)
        while not self.rung and not deadline.passed:
            self._await([self._read], deadline.left_s())
        return self.rung

    def wait_for_owner(self, seconds: float) -> bool:
        """Waits for a signal or the owner's end; True when the owner has gone."""
        if self._owner is None:
            self._await([self._read], seconds)
            return False
        ready = self._await([self._read, self._owner], seconds)
        return self._owner in ready and os.read(self._owner, 64) == b""

    def take_restart(self) -> bool:
        """Whether a restart of the application was asked for since the last call."""
        asked, self._restart_asked = self._restart_asked, False
        return asked

    def _await(self, handles: list[int], seconds: float) -> list[int]:
        ready = select.select(handles, [], [], seconds)[0]
        if self._read in ready:
            os.read(self._read, 64)
        return ready

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        self.rung = True
        self._wake()

    def _ask_restart(self, _number: int, _frame: FrameType | None) -> None:
        self._restart_asked = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b"!")
