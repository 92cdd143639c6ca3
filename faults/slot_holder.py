"""Holds the slots: sessions with a lease that the server itself ends when nobody renews it.

A thread of its own fills what is free but for `leave`, renews each lease at a third of it, and takes again what comes
free meanwhile. A holder that is killed loses its sessions at once (their sockets close), one that stands still when
its leases run out.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from faults.held_sessions import HeldSessions
from faults.leased_session import LeasedSession, lease_settings
from faults.server_slots import LIMIT_REACHED, SLOTS_FULL, ServerSlots, SlotCount, count_slots
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed

AT_ONCE = 8
_TICK_S = 0.25
_BUSY_TICK_S = 0.02
_MOST_EVICTIONS = 20
_EVICT = """
select pg_terminate_backend(pid) from pg_stat_activity
where usename = %s and datid is not null and coalesce(application_name, '') !~ '^gameday(-|$)'
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """What to hold. `leave`: slots that stay free for ordinary roles; `most`: sessions that the role may have (None:
    unbounded); `evict`: end the sessions of `platform_role` once, so that it has to connect again."""

    marker: str
    leave: int
    lease_s: float
    most: int | None
    platform_role: str
    evict: bool = False

    @property
    def settings(self) -> dict[str, str]:
        return lease_settings(self.lease_s)


class SlotHolder:
    """One fault's sessions. `start` once, `wait_settled` until the slots are taken, `close` from any thread."""

    def __init__(self, slots: ServerSlots, hold: Hold, until: Deadline) -> None:
        """After `until` it lets go by itself, whatever else happens."""
        self._slots = slots
        self._hold = hold
        self._until = until
        self._held = HeldSessions(LeasedSession.end, "slots", slots.source)
        self._evictions = 0
        self._renewed_s = boot_s()
        self._thread = threading.Thread(target=self._keep, name=f"hold {hold.marker}", daemon=True)

    @property
    def held(self) -> int:
        return self._held.number

    def start(self) -> None:
        self._thread.start()

    def wait_settled(self, deadline: Deadline) -> None:
        """Until no more than `leave` slots are free. Raises ReachFailed with what stands in the way."""
        self._held.wait_settled(deadline)

    def close(self) -> None:
        """Let go of every session, without waiting for the server."""
        self._held.close()

    def _keep(self) -> None:
        """The thread: fill, evict, renew, until closed."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="slot") as threads:
            watcher: psycopg.Connection[TupleRow] | None = None
            try:
                while not self._held.closed.wait(_TICK_S if self._held.settled.is_set() else _BUSY_TICK_S):
                    if self._until.passed:
                        break
                    self._renew(threads)
                    watcher = self._round(threads, watcher)
            finally:
                self.close()
                if watcher is not None:
                    watcher.close()

    def _round(
        self, threads: ThreadPoolExecutor, watcher: psycopg.Connection[TupleRow] | None
    ) -> psycopg.Connection[TupleRow] | None:
        """One look and what it asks for; the watcher's session, or None when it has to be opened anew."""
        try:
            watcher = watcher or self._slots.watch()
            self._act(threads, count_slots(watcher, self._hold.marker, self._hold.platform_role))
        except ReachFailed as error:
            self._held.trouble = str(error)
            return None if watcher is None or watcher.closed else watcher
        return watcher

    def _act(self, threads: ThreadPoolExecutor, count: SlotCount) -> None:
        missing = count.free - self._hold.leave
        room = missing if self._hold.most is None else min(missing, self._hold.most - self.held)
        if room > 0:
            self._open(threads, room)
        elif missing > 0:
            self._held.trouble = f"the role may hold {self._hold.most} sessions, and {missing} more slots are free"
        elif self._hold.evict and count.platform > self._hold.leave and self._evictions < _MOST_EVICTIONS:
            self._evictions += 1
            # what the platform loses has to be ours before it has connected again
            self._open(threads, self._evict())
        else:
            self._held.settled.set()

    def _evict(self) -> int:
        """How many sessions of the platform were ended, through one of those held: no slot may be free for another."""
        session = next(iter(self._held.all()), None)
        if session is None:
            return 0
        return sum(1 for (ended,) in session.ask(_EVICT, self._hold.platform_role) if ended)

    def _open(self, threads: ThreadPoolExecutor, wanted: int) -> None:
        """A few at a time, so that leases are renewed in between and the next look is fresh."""
        for opening in [threads.submit(self._open_one) for _ in range(min(wanted, AT_ONCE))]:
            opening.result()

    def _open_one(self) -> None:
        if self._held.closed.is_set():
            return
        try:
            connection = self._slots.exhaust(self._hold.marker, self._hold.settings)
        except ReachFailed as error:
            if not SLOTS_FULL.search(error.what):
                limit = " (the role's or the database's own limit)" if LIMIT_REACHED.search(error.what) else ""
                self._held.trouble = f"{error}{limit}"
            return
        self._held.add(LeasedSession(connection))

    def _renew(self, threads: ThreadPoolExecutor) -> None:
        if boot_s() - self._renewed_s < self._hold.lease_s / 3:
            return
        self._renewed_s = boot_s()
        self._held.drop(lambda session: not session.renew(), threads)
