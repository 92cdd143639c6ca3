"""What happens to containers, asked of the engine once for all of them."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from harness.clock import Clock, Deadline, boot_s
from harness.errors import ReachFailed
from harness.journal.record import ClockOffset
from harness.reach.container_facts import ContainerEvent
from harness.reach.docker import DockerDoor
from harness.reach.docker_clock import engine_ahead, engine_offset

_EVERY_S = 0.7
_OVERLAP = timedelta(seconds=2)
_REMOTE_LAG = timedelta(seconds=3)  # an `until` in the engine's future would make it wait


class EngineEvents:
    """The events since the start of the run. Thread-safe: whoever asks first after 0.7 s asks the engine for all."""

    def __init__(self, door: DockerDoor, clock: Clock, *, timeout_s: float) -> None:
        self._door = door
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._asked_boot_s: float | None = None
        self._failure: ReachFailed | None = None
        self.offset: ClockOffset | None = None  # of the engine's clock, once it is known
        self._until: datetime | None = None
        self._events: list[ContainerEvent] = []

    def since(self, index: int) -> tuple[ContainerEvent, ...]:
        """All events from the `index`-th on, oldest first. Raises ReachFailed where the engine does not tell them."""
        with self._lock:
            if self._asked_boot_s is None or boot_s() - self._asked_boot_s >= _EVERY_S:
                self._ask()
            if self._failure is not None:
                raise self._failure
            return tuple(self._events[index:])

    def run_s(self, at: datetime) -> float:
        """A moment of the engine's clock in seconds since the start of the run."""
        return (at - self._clock.started_at - engine_ahead(self.offset, self._door, self._clock)).total_seconds()

    def _ask(self) -> None:
        deadline = Deadline.after(self._timeout_s)
        try:
            if self.offset is None:
                self.offset = engine_offset(self._door, self._clock, deadline)
            ahead = engine_ahead(self.offset, self._door, self._clock)
            lag = timedelta() if self._door.local else _REMOTE_LAG
            until = self._clock.utc(self._clock.now_s()) + ahead - lag
            # a clock that was set back begins to tell from there
            since = min(self._until or self._clock.started_at + ahead, until) - _OVERLAP
            if until > since:
                self._add(self._door.events(since, until, deadline))
            self._until, self._failure = until, None
        except ReachFailed as error:
            self._failure = error
        self._asked_boot_s = boot_s()

    def _add(self, events: tuple[ContainerEvent, ...]) -> None:
        known = set(self._events[-512:])
        self._events += sorted((e for e in events if e not in known), key=lambda e: e.at)
