"""Keeps a cache paused: CLIENT PAUSE for a lease at a time, so that the server itself ends it when nobody renews it.

While all commands are paused, CLIENT UNPAUSE and a renewal would have to wait like any other: only a connection in
MONITOR goes on (the server counts it as a replica, and replicas are never paused).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from faults.cache_server import CacheServer, Commands, PauseState, pause_state
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed
from harness.reach.redis_session import RedisSession

CALL_S = 1.0
_AGAIN_S = 0.1
_PAST_S = 0.001
_SLACK_MS = 50
"""Between the server's clock and ours, by which a pause may look longer than it was asked for."""
LATE_S = 0.15
"""By how much a pause outlasts its time: servers look at its end ten times a second (their `hz`)."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`pause_s`: the length of one CLIENT PAUSE. `open_s`: how long commands pass between two of them; None: they
    don't, since each is renewed before it ends."""

    commands: Commands
    pause_s: float
    open_s: float | None = None

    @property
    def next_s(self) -> float:
        """From a CLIENT PAUSE to the next step: its renewal, or its end."""
        return self.pause_s / 3 if self.open_s is None else self.pause_s + _PAST_S

    @property
    def through_monitor(self) -> bool:
        return self.commands == "all" and self.open_s is None


class PauseHolder:
    """One fault's pauses. `start` once (the first pause is on then), `close` from any thread."""

    def __init__(self, server: CacheServer, rhythm: Rhythm, marker: str, until: Deadline) -> None:
        """After `until` it lets go by itself, whatever else happens."""
        self._server = server
        self._rhythm = rhythm
        self._marker = marker
        self._until = until
        self._closed = threading.Event()
        self._asking = threading.Lock()  # one pause, or the end of it, at a time
        self._lock = threading.Lock()  # guards what follows
        self._session: RedisSession | None = None
        self._paused_s: float | None = None
        self._next_s = rhythm.next_s  # what follows is the thread's own
        self._open_now = False
        self._thread = threading.Thread(target=self._keep, name=f"pause {marker}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether a pause of ours is on, or was within the last turns."""
        with self._lock:
            last = self._paused_s
        patience_s = max(1.0, 3 * (self._rhythm.next_s + self._rhythm.pause_s + (self._rhythm.open_s or 0.0)))
        return last is not None and not self._closed.is_set() and boot_s() - last < patience_s

    def start(self) -> None:
        """Pause now. Raises ReachFailed."""
        self._pause()
        self._thread.start()

    def state(self) -> PauseState | None:
        """What the server says now; None where it can't be asked without waiting for the pause to end."""
        with self._lock:
            session = self._session
        if session is None or not (self._rhythm.through_monitor or self._rhythm.commands == "write"):
            return None
        return pause_state(session, CALL_S)

    def close(self, deadline: Deadline) -> str:
        """End the pause: "unpaused", or "expired" once the last one must have ended by itself; that is waited for where
        the server doesn't tell whose pause it is. Idempotent."""
        self._closed.set()
        asked_last = self._asking.acquire(timeout=max(0.0, deadline.left_s()))  # a renewal under way comes first
        try:
            with self._lock:
                session, self._session = self._session, None
                last, self._paused_s = self._paused_s, None
            if last is None:
                return "absent"
            unpaused = asked_last and session is not None and self._unpause(session)
            if session is not None:
                session.close()
        finally:
            if asked_last:
                self._asking.release()
        if unpaused:
            return "unpaused"
        left_s = max(0.0, last + self._rhythm.pause_s + LATE_S - boot_s())
        threading.Event().wait(min(left_s, deadline.left_s()))
        return "expired"

    def _unpause(self, session: RedisSession) -> bool:
        """Take our pause back, unless somebody's longer one is on: one UNPAUSE ends both."""
        if not (self._rhythm.through_monitor or self._rhythm.commands == "write"):
            return False
        try:
            state = pause_state(session, CALL_S)
            if not state.known or state.left_ms > self._rhythm.pause_s * 1000 + _SLACK_MS:
                return False
            session.ask("CLIENT", "UNPAUSE", timeout_s=CALL_S)
        except ReachFailed:
            return False
        return True

    def _keep(self) -> None:
        """The thread: renew, until closed."""
        while not self._closed.wait(self._next_s):
            if self._until.passed:
                self.close(Deadline.after(0))
                return
            try:
                self._turn()
            except ReachFailed:
                self._drop()
                self._next_s, self._open_now = _AGAIN_S, True

    def _turn(self) -> None:
        """The next step of the rhythm. A PING that is answered tells that a pause has ended: servers look at its end
        ten times a second only (their `hz`)."""
        if self._rhythm.open_s is None or self._open_now:
            self._pause()
            self._open_now, self._next_s = False, self._rhythm.next_s
            return
        with self._lock:
            session = self._session
        if session is not None:
            session.ask("PING", timeout_s=CALL_S + self._rhythm.pause_s)
        self._open_now, self._next_s = True, self._rhythm.open_s

    def _pause(self) -> None:
        with self._asking:
            if self._closed.is_set():
                return
            with self._lock:
                session = self._session
            session = session or self._open()
            milliseconds = max(1, round(self._rhythm.pause_s * 1000))
            patience_s = CALL_S + self._rhythm.pause_s
            try:
                session.ask("CLIENT", "PAUSE", milliseconds, self._rhythm.commands.upper(), timeout_s=patience_s)
            finally:
                # also when no answer came: it may be on
                with self._lock:
                    self._paused_s = boot_s()

    def _open(self) -> RedisSession:
        session = self._server.session(self._marker, CALL_S + self._rhythm.pause_s)
        try:
            if self._rhythm.through_monitor:
                session.ask("MONITOR", timeout_s=CALL_S)
        except ReachFailed:
            session.close()
            raise
        with self._lock:
            self._session = session
        return session

    def _drop(self) -> None:
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()
