"""Keeps sessions as they are: each was put into its state once, and has its lease renewed until somebody ends it.

A holder that is killed loses its sessions at once (their sockets close), one that stands still when its leases run out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import psycopg
from psycopg.rows import TupleRow

from faults.held_sessions import HeldSessions
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
        self._slots = slots
        self._marker = marker
        self._settings = settings
        self._lease_s = lease_s
        self._held = HeldSessions(LeasedSession.end, "sessions", slots.source)
        self.ended = self._held.closed

    def open(self, put: Callable[[psycopg.Connection[TupleRow]], None]) -> None:
        """One session more, in the state that `put` puts it into. Raises ReachFailed, what `put` raises too."""
        connection = self._slots.exhaust(self._marker, self._settings)
        try:
            put(connection)
        except BaseException:
            connection.close()
            raise
        if not self._held.add(LeasedSession(connection)):
            raise ReachFailed("the fault was ended while it was injected", where=self._slots.source)

    def start(self, until: Deadline) -> None:
        """Renew from now on. After `until` it lets go by itself, whatever else happens."""
        threading.Thread(target=self._renew, args=(until,), name=f"hold {self._marker}", daemon=True).start()

    def close(self) -> None:
        """Let go of every session, without waiting for the server."""
        self._held.close()

    def _renew(self, until: Deadline) -> None:
        renewed_s = boot_s()
        while not self.ended.wait(_TICK_S):
            if until.passed:
                self.close()
            elif boot_s() - renewed_s >= self._lease_s / 3:
                renewed_s = boot_s()
                self._held.drop(lambda session: not session.renew())
