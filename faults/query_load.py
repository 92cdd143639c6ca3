"""Sessions that work without a pause: one statement after the other, each of which the server bounds by a timeout.

A load whose process is killed ends with the statements under way; one that stands still, when its leases run out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from faults.held_sessions import HeldSessions
from faults.leased_session import LeasedSession, lease_settings
from faults.query_work import Work
from faults.server_slots import ServerSlots
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed

_GRACE_S = 1.0


def working_settings(lease_s: float) -> dict[str, str]:
    """Settings of a session that works: a statement ends with the lease too. Each works on one processor, reads only,
    and sorts in files, so that its memory stays small."""
    return {
        **lease_settings(lease_s),
        "statement_timeout": f"{round(lease_s * 1000)}",
        "default_transaction_read_only": "on",
        "max_parallel_workers_per_gather": "0",
        "work_mem": "256kB",
    }


class QueryLoad:
    """One fault's sessions at work. `open` once, `close` from any thread."""

    def __init__(self, slots: ServerSlots, marker: str, work: Work, lease_s: float) -> None:
        self._slots = slots
        self._marker = marker
        self._work = work
        self._lease_s = lease_s
        self._held = HeldSessions(LeasedSession.end, "sessions", slots.source)
        self._counting = threading.Lock()
        self._statements = 0

    @property
    def statements(self) -> int:
        """How many have ended so far."""
        return self._statements

    def open(self, sessions: int, until: Deadline) -> None:
        """Open them all, then put them to work, until somebody ends them or `until` has passed. Raises ReachFailed."""
        settings = working_settings(self._lease_s)
        try:
            opened = [self._open_one(settings) for _ in range(sessions)]
        except ReachFailed:
            self.close()
            raise
        for session in opened:
            args = (session, until)
            threading.Thread(target=self._run, args=args, name=f"query {self._marker}", daemon=True).start()

    def close(self) -> None:
        """Let go of every session, without waiting for the server; what it still works at, their end ends."""
        self._held.close()

    def _open_one(self, settings: Mapping[str, str]) -> LeasedSession:
        session = LeasedSession(self._slots.exhaust(self._marker, settings))
        if not self._held.add(session):
            raise ReachFailed("the fault was ended while it was injected", where=self._slots.source)
        return session

    def _run(self, session: LeasedSession, until: Deadline) -> None:
        """A thread: work, until ended or the session is gone."""
        size = self._work.first()
        while not (self._held.closed.is_set() or until.passed):
            begun_s = boot_s()
            try:
                self._one(session, size)
            except ReachFailed:
                break
            size = self._work.next_size(size, boot_s() - begun_s)
        session.end()

    def _one(self, session: LeasedSession, size: int) -> None:
        sql, params = self._work.statement(size)
        session.work(sql, *params, timeout_s=self._lease_s + _GRACE_S)
        with self._counting:
            self._statements += 1
