"""What the platform showed over a stretch of time: the conductor sums it from windows and readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.journal import histogram
from harness.journal.record import RequestStats


@dataclass(frozen=True, slots=True)
class Observation:
    """The platform between `start_s` and `end_s` (seconds since the start of the run).

    `names`: request stats by "METHOD name", summed. `in_flight`: the mean number of requests under way.
    `sessions`: by source ("database.main", "cache.main"), the mean number of the platform's connections. `commands`:
    by cache, how many of the platform's commands reach it a second. `sessions_lately`: of the platform before a fault,
    the sessions at its injection, which an earlier fault may have changed. `readings`: of hosts and the processes
    watched on them, by source, the mean of each reading.
    """

    start_s: float
    end_s: float
    names: Mapping[str, RequestStats] = field(default_factory=dict)
    in_flight: float = 0.0
    task_errors: int = 0
    sessions: Mapping[str, float] = field(default_factory=dict)
    commands: Mapping[str, float] = field(default_factory=dict)
    sessions_lately: Mapping[str, float] = field(default_factory=dict)
    readings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return sum(s.requests for s in self.names.values())

    @property
    def failed(self) -> int:
        return sum(s.failed for s in self.names.values())

    @property
    def error_rate(self) -> float | None:
        """Failed requests of all; None without requests."""
        return self.failed / self.requests if self.requests else None

    @property
    def rps(self) -> float:
        """Completed requests a second."""
        return self.requests / max(self.end_s - self.start_s, 1e-9)

    def median_ms(self, name: str) -> float | None:
        stats = self.names.get(name)
        return histogram.percentile_ms(stats.histogram, 0.5) if stats else None
