"""Counts a load process's requests by tick. Runs in the load process.

Locust's greenlets only append to a queue; the telemetry thread does the counting.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from harness.journal.histogram import bucket_of
from harness.load.wire import NameCap, tick_of

_MOST_WAITING = 500_000


class TickCount:
    """What completed in one tick."""

    def __init__(self) -> None:
        self.names: dict[str, dict[str, Any]] = {}
        self.task_errors = 0

    def add(self, name: str, failure: str | None, response_ms: float | None) -> None:
        stats = self.names.setdefault(name, {"requests": 0, "failures": {}, "histogram": {}})
        stats["requests"] += 1
        if failure:
            stats["failures"][failure] = stats["failures"].get(failure, 0) + 1
        if response_ms is not None:
            bucket = bucket_of(response_ms)
            stats["histogram"][bucket] = stats["histogram"].get(bucket, 0) + 1


class Tally:
    def __init__(self) -> None:
        self.names = NameCap()
        self._events: deque[tuple[float, str | None, str | None, float | None]] = deque(maxlen=_MOST_WAITING)
        self._ticks: dict[int, TickCount] = {}

    def request(self, at: float, name: str, failure: str | None, response_ms: float | None) -> None:
        """A request named "METHOD name" completed `at` (boot clock); `response_ms` may be unknown."""
        self._events.append((at, name, failure, response_ms))

    def task_error(self, at: float) -> None:
        """A task raised."""
        self._events.append((at, None, None, None))

    def take(self, first: int, last: int) -> dict[int, TickCount]:
        """The counts of the ticks `first` to `last`, taken out; what came too late for its tick counts in `first`."""
        while self._events:
            at, name, failure, response_ms = self._events.popleft()
            tick = self._ticks.setdefault(max(first, tick_of(at)), TickCount())
            if name is None:
                tick.task_errors += 1
            else:
                tick.add(self.names(name), failure, response_ms)
        # ticks that were skipped while the process was stopped
        for tick_number in [t for t in self._ticks if t < first]:
            _merge(self._ticks.setdefault(first, TickCount()), self._ticks.pop(tick_number))
        return {t: self._ticks.pop(t) if t in self._ticks else TickCount() for t in range(first, last + 1)}


def _merge(into: TickCount, late: TickCount) -> None:
    into.task_errors += late.task_errors
    for name, stats in late.names.items():
        target = into.names.setdefault(name, {"requests": 0, "failures": {}, "histogram": {}})
        target["requests"] += stats["requests"]
        for part in ("failures", "histogram"):
            for key, count in stats[part].items():
                target[part][key] = target[part].get(key, 0) + count
