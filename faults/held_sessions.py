"""What a holder has in its hands: sessions that any thread may add to, and that are all let go of at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from harness.clock import Deadline
from harness.errors import ReachFailed

S = TypeVar("S")
_LOOK_S = 0.02


class HeldSessions(Generic[S]):
    """`closed`: they were let go of, and none is added any more. `settled`: all that is wanted is held, or was once.
    `trouble`: what stood in the way last, in words."""

    def __init__(self, end: Callable[[S], None], what: str, source: str) -> None:
        """`end` lets go of one, without waiting for the server. `what` they take, for people: "slots"."""
        self.closed = threading.Event()
        self.settled = threading.Event()
        self.trouble = ""
        self._end = end
        self._what = what
        self._source = source
        self._lock = threading.Lock()  # guards _sessions and the closing
        self._sessions: list[S] = []

    @property
    def number(self) -> int:
        return len(self.all())

    def all(self) -> list[S]:
        """As they are now."""
        with self._lock:
            return list(self._sessions)

    def add(self, session: S) -> bool:
        """False once they are closed: it is ended then."""
        with self._lock:
            if not self.closed.is_set():
                self._sessions.append(session)
                return True
        self._end(session)
        return False

    def drop(self, lost: Callable[[S], bool], threads: ThreadPoolExecutor | None = None) -> None:
        """End those of which `lost` says so, asked in `threads` at once where it has to wait for answers."""
        sessions = self.all()
        answers = threads.map(lost, sessions) if threads is not None else map(lost, sessions)
        gone = {id(session): session for session, is_lost in zip(sessions, answers, strict=True) if is_lost}
        with self._lock:
            self._sessions = [session for session in self._sessions if id(session) not in gone]
        for session in gone.values():
            self._end(session)

    def wait_settled(self, deadline: Deadline) -> None:
        """Raises ReachFailed with what stands in the way."""
        while not self.settled.wait(min(_LOOK_S, deadline.left_s())):
            if self.closed.is_set() or deadline.passed:
                why = f": {self.trouble}" if self.trouble else ""
                raise ReachFailed(f"only {self.number} {self._what} could be taken in time{why}", where=self._source)

    def close(self) -> None:
        """Let go of every one, without waiting for the server. Idempotent."""
        with self._lock:
            self.closed.set()
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            self._end(session)
