"""What the platform has shown so far, for the proofs of the faults and the judging of the phases."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from faults.observation import Observation
from harness.journal import histogram
from harness.journal.record import FailureKind, Readings, RequestStats, Window
from runbooks.host_means import host_means


class Observations:
    """Windows and readings in order of arrival. Written by the conductor's loop, read by the faults' threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: list[Window] = []
        self._readings: list[Readings] = []

    def add(self, message: Window | Readings) -> None:
        with self._lock:
            if isinstance(message, Window):
                self._windows.append(message)
            else:
                self._readings.append(message)

    def windows(self, start_s: float, end_s: float) -> tuple[Window, ...]:
        """The windows that lie wholly within [start_s, end_s]."""
        with self._lock:
            return tuple(w for w in self._windows if w.start >= start_s and w.end <= end_s)

    def readings(self, start_s: float, end_s: float) -> tuple[Readings, ...]:
        with self._lock:
            return tuple(r for r in self._readings if start_s <= r.t <= end_s)

    def between(self, start_s: float, end_s: float) -> Observation:
        """The platform between two moments, summed."""
        windows = self.windows(start_s, end_s)
        return Observation(
            start_s=start_s,
            end_s=end_s,
            names=_sum_names(windows),
            in_flight=sum(w.in_flight for w in windows) / len(windows) if windows else 0.0,
            task_errors=sum(w.task_errors for w in windows),
            sessions=_means(self.readings(start_s, end_s), ("connections", "clients")),
            commands=_means(self.readings(start_s, end_s), ("ops_per_s",)),
            readings=host_means(self.readings(start_s, end_s)),
        )


def _sum_names(windows: Sequence[Window]) -> dict[str, RequestStats]:
    parts: dict[str, list[RequestStats]] = {}
    for window in windows:
        for name, stats in window.names.items():
            parts.setdefault(name, []).append(stats)
    return {name: _sum(stats) for name, stats in parts.items()}


def _sum(parts: Sequence[RequestStats]) -> RequestStats:
    failures: dict[FailureKind, int] = {}
    for part in parts:
        for kind, count in part.failures.items():
            failures[kind] = failures.get(kind, 0) + count
    return RequestStats(
        requests=sum(p.requests for p in parts),
        failures=failures,
        histogram=histogram.merge(p.histogram for p in parts),
    )


def _means(readings: Iterable[Readings], keys: Sequence[str]) -> dict[str, float]:
    """The mean by source of the first of `keys` that it has: a database's "connections" are a cache's "clients"."""
    values: dict[str, list[float]] = {}
    for reading in readings:
        for key in keys:
            if key in reading.values:
                values.setdefault(reading.source, []).append(reading.values[key])
    return {source: sum(v) / len(v) for source, v in values.items()}
