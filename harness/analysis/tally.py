"""What the requests of a group showed over a stretch of windows: counts and one merged histogram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.journal.histogram import bucket_of, merge, middle_ms, percentile_ms
from harness.journal.record import Window
from harness.journal.request_glob import is_everything, matches


@dataclass(frozen=True, slots=True)
class Tally:
    """`failed` of `requests` failed; task errors, which have no request, are counted as both where the group is
    all requests. `histogram` holds the completed requests."""

    requests: int = 0
    failed: int = 0
    histogram: Mapping[int, int] = field(default_factory=dict)

    @property
    def error_rate(self) -> float | None:
        return self.failed / self.requests if self.requests else None

    @property
    def samples(self) -> int:
        """Requests with a latency."""
        return sum(self.histogram.values())

    @property
    def p95_ms(self) -> float | None:
        return percentile_ms(self.histogram, 0.95)

    def above(self, limit_ms: float) -> int:
        """How many requests took longer than `limit_ms`."""
        limit = bucket_of(limit_ms)
        return sum(n for b, n in self.histogram.items() if b > limit or (b == limit and middle_ms(b) > limit_ms))

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.requests + other.requests, self.failed + other.failed, merge((self.histogram, other.histogram))
        )


def tally(requests: str, windows: Iterable[Window]) -> Tally:
    """The sum over `windows` of the requests that the glob `requests` means."""
    seen = tuple(windows)
    stats = [s for w in seen for name, s in w.names.items() if matches(requests, name)]
    task_errors = sum(w.task_errors for w in seen) if is_everything(requests) else 0
    return Tally(
        sum(s.requests for s in stats) + task_errors,
        sum(s.failed for s in stats) + task_errors,
        merge(s.histogram for s in stats),
    )
