"""Waiting in a test for what happens a moment later: looking again and again, until a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable

from harness.clock import Deadline, boot_s


def until(holds: Callable[[], object], within_s: float = 20.0, told: Callable[[], str] = str) -> float:
    """The seconds that it took. A failure says what `told` says by then."""
    begun, deadline, pause = boot_s(), Deadline.after(within_s), threading.Event()
    while not holds():
        assert not deadline.passed, f"did not come true within {within_s:g} s {told()}"
        pause.wait(0.02)
    return boot_s() - begun
