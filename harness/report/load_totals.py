"""The load in numbers, over the whole run or a part of it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from harness.journal import histogram
from harness.journal.reader import JournalView
from harness.journal.record import FAILURE_KINDS, FailureKind, LoadKeptIn, LoadStopped, Window


class LoadTotals(BaseModel):
    """Completed requests and how they went. `users` is the peak; latencies are None without requests."""

    model_config = ConfigDict(frozen=True)

    users: int = 0
    requests: int = 0
    failures: dict[FailureKind, int] = Field(default_factory=lambda: dict.fromkeys(FAILURE_KINDS, 0))
    task_errors: int = 0
    rps: float | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    in_flight_at_stop: int = 0
    outside: dict[str, int] = Field(default_factory=dict)  # refused connects outside the allow list, by host:port

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def error_rate(self) -> float | None:
        """Failed requests of all; None without requests."""
        return self.failed / self.requests if self.requests else None


def whole_run(view: JournalView) -> LoadTotals:
    """The totals of all windows of a run."""
    windows = view.of(Window)
    stopped = view.last(LoadStopped)
    in_flight = stopped.in_flight if stopped else windows[-1].in_flight if windows else 0
    outside: dict[str, int] = {}
    for kept_in in view.of(LoadKeptIn):
        outside[kept_in.address] = outside.get(kept_in.address, 0) + kept_in.connects
    return total(windows).model_copy(update={"in_flight_at_stop": in_flight, "outside": outside})


def total(windows: Iterable[Window]) -> LoadTotals:
    """The totals of some windows."""
    windows = tuple(windows)
    if not windows:
        return LoadTotals()
    latencies = histogram.merge(stats.histogram for window in windows for stats in window.names.values())
    failures = dict.fromkeys(FAILURE_KINDS, 0)
    for window in windows:
        for stats in window.names.values():
            for kind, number in stats.failures.items():
                failures[kind] += number
    requests = sum(window.requests for window in windows)
    length_s = max(window.end for window in windows) - min(window.start for window in windows)
    return LoadTotals(
        users=max(window.users for window in windows),
        requests=requests,
        failures=failures,
        task_errors=sum(window.task_errors for window in windows),
        rps=round(requests / length_s, 3) if length_s > 0 else None,
        mean_ms=_rounded(histogram.mean_ms(latencies)),
        p50_ms=_rounded(histogram.percentile_ms(latencies, 0.5)),
        p95_ms=_rounded(histogram.percentile_ms(latencies, 0.95)),
        p99_ms=_rounded(histogram.percentile_ms(latencies, 0.99)),
        max_ms=_rounded(histogram.percentile_ms(latencies, 1.0)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
