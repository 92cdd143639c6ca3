"""The watches over a target's databases and caches, from before the load until after the halt."""

from __future__ import annotations

from collections.abc import Callable

from harness.clock import Clock, Deadline
from harness.journal.record import EvidenceMissing, FaultHealed, FaultInjected, PhaseStarted, Record, StopDecided
from harness.monitor.cache_watch import CacheWatch
from harness.monitor.database_watch import DatabaseWatch
from harness.monitor.watch import Watch, Watched
from harness.reach.allow_list import AllowList
from runbooks.target import Target

# where the work before and the work after should be told apart
_TURNS = (PhaseStarted, FaultInjected, FaultHealed, StopDecided)


class WorkWatches:
    """Each in a thread of its own: nothing here delays a halt. `emit` must not block."""

    def __init__(self, target: Target, clock: Clock, emit: Callable[[Record], None]) -> None:
        allow = AllowList(target.allow)
        databases: list[Watched] = [
            DatabaseWatch(f"database.{d.name}", d.dsn.value, allow, clock=clock) for d in target.databases.values()
        ]
        caches = [CacheWatch(f"cache.{c.name}", c.url.value, allow, clock=clock) for c in target.caches.values()]
        self._watches = [Watch(watched, emit) for watched in (*databases, *caches)]

    def start(self) -> None:
        for watch in self._watches:
            watch.start()

    def see(self, record: Record) -> None:
        """Looks again at the turns of the run; returns at once."""
        if isinstance(record, _TURNS):
            for watch in self._watches:
                watch.ask()

    def finish(self, timeout_s: float) -> tuple[EvidenceMissing, ...]:
        """Last looks, side by side, in `timeout_s` for all; what could not be had."""
        deadline = Deadline.after(timeout_s)
        for watch in self._watches:
            watch.finish(0.0)
        for watch in self._watches:
            watch.finish(deadline.left_s())
        return tuple(gone for watch in self._watches for gone in watch.missing())
