"""What databases and caches did, before and under the faults: the first statements, hits and misses, lock waits."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.cache_work import CacheSum, cache_work_in
from harness.analysis.database_work import Statement, Work, work_in
from harness.analysis.span import Span, phase_span
from harness.journal.reader import JournalView
from harness.journal.record import CacheWork, DatabaseWork, LockWaits, Window
from harness.report import format as say

STATEMENTS = 8
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement; each cell is "before → under the faults", or one value where there was no fault."""

    query: str
    calls: str
    per_request: str
    mean: str
    blocks: str
    rows: str


@dataclass(frozen=True, slots=True)
class DatabasePart:
    source: str
    statements: tuple[StatementRow, ...]
    locks: str  # one sentence; "" where nobody was seen to wait


@dataclass(frozen=True, slots=True)
class CacheRow:
    source: str
    hit_rate: str
    hits: str
    misses: str
    evicted: str
    refused: str
    memory: str


@dataclass(frozen=True, slots=True)
class WorkTable:
    """`told`: what the cells are about, such as "baseline → faults"."""

    told: str
    databases: tuple[DatabasePart, ...]
    caches: tuple[CacheRow, ...]

    @property
    def any(self) -> bool:
        return bool(self.databases or self.caches)


def build(view: JournalView) -> WorkTable:
    """The tables of a run; without rows where nothing was watched."""
    before, during = _spans(view)
    databases = [_database(view, s, before, during) for s in sorted({w.source for w in view.of(DatabaseWork)})]
    caches = [_cache(view, s, before, during) for s in sorted({w.source for w in view.of(CacheWork)})]
    return WorkTable(
        told="baseline → faults" if before is not None else "while the load ran",
        databases=tuple(d for d in databases if d is not None),
        caches=tuple(c for c in caches if c is not None),
    )


def _spans(view: JournalView) -> tuple[Span | None, Span]:
    baseline, faults = phase_span(view, "baseline"), phase_span(view, "faults")
    if baseline is not None and faults is not None:
        return baseline, faults
    windows = view.of(Window)
    end = windows[-1].end if windows else 0.0
    return None, Span(baseline.start if baseline is not None and baseline.start < end else 0.0, end)


def _database(view: JournalView, source: str, before: Span | None, during: Span) -> DatabasePart | None:
    now = work_in(view, source, during)
    if now is None:
        return None
    earlier = work_in(view, source, before) if before is not None else None
    rows = tuple(_row(s, now, earlier) for s in now.statements[:STATEMENTS] if s.calls)
    locks = _locks(view, source, during)
    return DatabasePart(source, rows, locks) if rows or locks else None


def _row(statement: Statement, now: Work, earlier: Work | None) -> StatementRow:
    last = earlier.find(statement.id) if earlier is not None else None

    def pair(before: str, value: str) -> str:
        return value if earlier is None else f"{before if last is not None else '0'} → {value}"

    old = last or statement
    return StatementRow(
        query=say.one_line(statement.query or f"statement {statement.id}", _LONGEST),
        calls=pair(say.count(old.calls), say.count(statement.calls)),
        per_request=pair(
            f"{earlier.per_request(old):.2g}" if earlier is not None else "", f"{now.per_request(statement):.2g}"
        ),
        mean=pair(say.milliseconds(old.mean_ms), say.milliseconds(statement.mean_ms)),
        blocks=pair(_number(old.blocks_per_call), _number(statement.blocks_per_call)),
        rows=pair(_number(old.rows_per_call), _number(statement.rows_per_call)),
    )


def _number(value: float) -> str:
    return say.count(value) if value >= 100 else f"{value:.3g}"


def _locks(view: JournalView, source: str, during: Span) -> str:
    waits = [w for w in view.of(LockWaits) if w.source == source and during.start <= w.end <= during.end + 1.0]
    looks, blocked = sum(w.samples for w in waits), sum(w.blocked_samples for w in waits)
    if not blocked:
        return ""
    worst = max(waits, key=lambda w: w.blocked)
    on = f" on {', '.join(worst.relations)}" if worst.relations else ""
    root = worst.roots[0] if worst.roots else None
    who = f"; at the root pid {root.pid}, {root.application_name}, {root.state}: {root.statement}" if root else ""
    return say.one_line(
        f"Sessions waited for locks{on} in {say.percent(blocked / looks)} of {looks} looks, {worst.most_blocked} of "
        f"them in the worst second{who}"
    )


def _cache(view: JournalView, source: str, before: Span | None, during: Span) -> CacheRow | None:
    now = cache_work_in(view, source, during)
    if now is None:
        return None
    earlier = cache_work_in(view, source, before) if before is not None else None

    def pair(value: str, old: str) -> str:
        return value if earlier is None else f"{old} → {value}"

    last = earlier or now
    return CacheRow(
        source=source,
        hit_rate=pair(say.percent(now.hit_rate), say.percent(last.hit_rate)),
        hits=pair(say.count(now.hits), say.count(last.hits)),
        misses=pair(say.count(now.misses), say.count(last.misses)),
        evicted=pair(say.count(now.evicted), say.count(last.evicted)),
        refused=pair(say.count(now.refused_writes), say.count(last.refused_writes)),
        memory=_memory(now),
    )


def _memory(now: CacheSum) -> str:
    used, most = now.last.used_memory_bytes, now.last.max_memory_bytes
    return f"{say.size(used)} of {say.size(most)}" if most else say.size(used)
