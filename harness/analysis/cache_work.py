"""What a cache did over a stretch of the run, beside the requests of the same time."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.span import Span
from harness.analysis.stretch import in_stretch
from harness.analysis.tally import tally
from harness.journal.reader import JournalView
from harness.journal.record import CacheWork, Window
from harness.journal.request_glob import ALL


@dataclass(frozen=True, slots=True)
class CacheSum:
    """Counts over [`span`]; keys and memory as they were at its end. `records` are the journal's own."""

    source: str
    span: Span
    requests: int
    hits: int
    misses: int
    evicted: int
    refused_writes: int
    rejected_connections: int
    records: tuple[CacheWork, ...]

    @property
    def lookups(self) -> int:
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float | None:
        """0..1; None where nothing was looked up."""
        return self.hits / self.lookups if self.lookups else None

    @property
    def last(self) -> CacheWork:
        return self.records[-1]

    @property
    def full(self) -> bool:
        """It has thrown out or refused what it should have kept, for lack of memory."""
        return bool(self.refused_writes or self.evicted)


def cache_work_in(view: JournalView, source: str, span: Span) -> CacheSum | None:
    """What `source` ("cache.main") did in about `span`; None where it was not read."""
    records = in_stretch((w for w in view.of(CacheWork) if w.source == source), span)
    if not records:
        return None
    covered = Span(min(r.start for r in records), max(r.end for r in records))
    return CacheSum(
        source=source,
        span=covered,
        requests=tally(ALL, covered.windows(view.of(Window))).requests,
        hits=sum(r.hits for r in records),
        misses=sum(r.misses for r in records),
        evicted=sum(r.evicted for r in records),
        refused_writes=sum(r.refused_writes for r in records),
        rejected_connections=sum(r.rejected_connections for r in records),
        records=records,
    )
