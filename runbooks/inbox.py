"""The conductor's inbox: everything that happens is a message in it, and one loop reads them.

A `SimpleQueue`, because a signal handler may put into it at any moment without a deadlock.
"""

from __future__ import annotations

from dataclasses import dataclass
from queue import Empty, SimpleQueue

from harness.journal.record import Record, StopSource


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody or something outside asks for the end. The first reason is kept; a later one that `hurries` leaves out
    evidence and reports: a person's does."""

    source: StopSource
    reason: str
    hurries: bool = False


@dataclass(frozen=True, slots=True)
class Wake:
    """Nothing but a reason to look again: a background step has finished."""


Message = Record | StopAsked | Wake


class Inbox:
    """First in, first out; many writers, one reader."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Message] = SimpleQueue()

    def put(self, message: Message) -> None:
        self._queue.put(message)

    def get(self, timeout_s: float) -> Message | None:
        """The next message, or None when none came in `timeout_s`."""
        try:
            return self._queue.get(timeout=max(timeout_s, 0.0)) if timeout_s > 0 else self._queue.get_nowait()
        except Empty:
            return None
