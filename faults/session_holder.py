"""Keeps sessions as they are: each was put into its state once, and has its lease renewed until somebody ends it.

A holder that is killed loses its sessions at once (their sockets close), one that stands still when its leases run out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import psycopg
from psycopg.rows import TupleRow

from faults.leased_session import LeasedSession, lease_settings
from faults.server_slots import ServerSlots
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed

_TICK_S = 0.25
_TRANSACTION_TIMEOUT_SINCE = 170000


def holding_settings(lease_s: float, longest_s: float, version_num: int) -> dict[str, str]:
    """Settings of a session that stands in a transaction: its lease, and where the server knows it (PostgreSQL 17) the
    life of the transaction, however often it is renewed."""
    settings = lease_settings(lease_s)
    if version_num >= _TRANSACTION_TIMEOUT_SINCE:
        settings["transaction_timeout"] = f"{round(longest_s * 1000)}"
    return settings


class SessionHolder:
    """One fault's sessions. `open` each, `start` once, `close` from any thread."""

    def __init__(self, slots: ServerSlots, marker: str, settings: Mapping[str, str], lease_s: float) -> None:
        self.ended = threading.Event()
        self._slots = slots
        self._marker = marker
        self._settings = settings
        self._lease_s = lease_s
        self._lock = threading.Lock()  # guards _sessions and the closing
        self._sessions: list[LeasedSession] = []

    def open(self, put: Callable[[psycopg.Connection[TupleRow]], None]) -> None:
        """One session more, in the state that `put` puts it into. Raises ReachFailed, what `put` raises too."""
        connection = self._slots.exhaust(self._marker, self._settings)
        try:
            put(connection)
            self._keep(connection)
        except BaseException:
            connection.close()
            raise

    def start(self, until: Deadline) -> None:
        """Renew from now on. After `until` it lets go by itself, whatever else happens."""
        threading.Thread(target=self._renew, args=(until,), name=f"hold {self._marker}", daemon=True).start()

    def close(self) -> None:
        """Let go of every session, without waiting for the server."""
        with self._lock:
            self.ended.set()
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.end()

    def _keep(self, connection: psycopg.Connection[TupleRow]) -> None:
        with self._lock:
            if self.ended.is_set():
                raise ReachFailed("the fault was ended while it was injected", where=self._slots.source)
            self._sessions.append(LeasedSession(connection))

    def _renew(self, until: Deadline) -> None:
        renewed_s = boot_s()
        while not self.ended.wait(_TICK_S):
            if until.passed:
                self.close()
            elif boot_s() - renewed_s >= self._lease_s / 3:
                renewed_s = boot_s()
                self._renew_all()

    def _renew_all(self) -> None:
        with self._lock:
            sessions = list(self._sessions)
        lost = [session for session in sessions if not session.renew()]
        with self._lock:
            self._sessions = [session for session in self._sessions if session not in lost]
