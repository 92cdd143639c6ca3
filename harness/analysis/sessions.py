"""The platform's connections to one of its dependencies, as the server of it saw them in the trouble."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case, Sample
from harness.analysis.outage import find_outage

_GONE = 0.3
_HELD = 0.7
_BUSY = 0.9
_HEADROOM = 0.8


@dataclass(frozen=True, slots=True)
class Sessions:
    """`connections` in the trouble and `before`, in the baseline (None: not read). `limit`: how many the server
    lets the platform have. `lost`: the server went away meanwhile, the
    readings are of the time before. The rest is 0 where the source doesn't tell it."""

    source: str
    value: str
    connections: Sample
    before: Sample | None
    limit: float | None = None
    busy: float = 0.0
    blocked: float = 0.0
    longest_query_s: float = 0.0
    lost: bool = False

    @property
    def gone(self) -> bool:
        return self.before is not None and self.before.mean >= 1 and self.connections.last <= _GONE * self.before.mean

    @property
    def held(self) -> bool:
        """As many as before, through the whole trouble."""
        if self.lost or self.before is None:
            return False
        return 1 <= self.before.mean * _HELD <= self.connections.lowest

    @property
    def plateau(self) -> bool:
        """No fewer and no more from reading to reading, and no fewer than before."""
        low, high = self.connections.lowest, self.connections.highest
        kept = self.before is None or low >= _HELD * self.before.mean
        return not self.lost and low >= 1 and kept and high - low <= max(1.0, 0.1 * high)

    @property
    def all_busy(self) -> bool:
        return self.busy >= _BUSY * self.connections.mean >= _BUSY

    @property
    def has_headroom(self) -> bool:
        return self.limit is not None and self.connections.highest <= _HEADROOM * self.limit


def database_sessions(case: Case, name: str) -> Sessions | None:
    """Those of a database; None where it was not read in the trouble."""
    source = f"database.{name}"
    connections = case.sample_during(source, "connections")
    if connections is None:
        return None
    most = case.sample_during(source, "max_connections")
    return Sessions(
        source=source,
        value="connections",
        connections=connections,
        before=case.sample_before(source, "connections"),
        limit=most.last - _usual(case, source, "reserved") if most is not None else None,
        busy=_usual(case, source, "active") + _usual(case, source, "idle_in_transaction"),
        blocked=_usual(case, source, "blocked"),
        longest_query_s=_usual(case, source, "longest_query_s"),
        lost=find_outage(case, source, case.databases.get(name, "")) is not None,
    )


def cache_sessions(case: Case, name: str) -> Sessions | None:
    """Those of a cache; None where it was not read in the trouble."""
    source = f"cache.{name}"
    clients = case.sample_during(source, "clients")
    if clients is None:
        return None
    lost = find_outage(case, source, case.caches.get(name, "")) is not None
    return Sessions(source, "clients", clients, case.sample_before(source, "clients"), lost=lost)


def _usual(case: Case, source: str, name: str) -> float:
    """The median: the trouble may begin a little before what it is about."""
    sample = case.sample_during(source, name)
    return sample.median if sample is not None else 0.0
