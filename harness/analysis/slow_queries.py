"""A statement does much work for each call: it reads thousands of blocks, or spills to disk, and requests wait for it.

Signature: blocks or temporary blocks a call, counted by the server, and a good part of the requests' time spent in it.
Time alone accuses nobody: it also grows behind locks (few blocks), on a slow wire (the server's own time is unchanged),
on a machine that others keep busy (so do all statements), and behind a pool. Work that was the same in a sound
baseline explains no trouble.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis import database_advice, injected_queries
from harness.analysis.case import Case
from harness.analysis.database_work import Statement, Work, shapes, work_in
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.lock_account import lock_account, running_part
from harness.analysis.logs import Hits
from harness.analysis.span import FaultSpan
from harness.analysis.statement_shape import reads_from
from harness.analysis.stretch import sound_before, trouble_stretch
from harness.analysis.work_piece import row_piece
from harness.evidence.work import STATEMENTS, TABLES
from harness.journal.record import EvidencePiece, FindingNamed
from harness.journal.work import TableShape, TableWork

CAUSE = "slow-queries"
_BLOCKS, _MANY_BLOCKS = 500, 2000  # a call; 4 and 16 MB. A primary key costs 4, a listing some dozens
_TEMP = 100
_BLOCK_BYTES = 8192
_SHARE, _LARGE_SHARE = 0.1, 0.25
_LOG = r"duration: \d+(?:\.\d+)? ms"
_CACHE_GONE = ("down", "timeout", "hang", "reset_peer", "latency")
_AT_CACHE = ("cache-pause", "cache-connections", "cache-slow")


@dataclass(frozen=True, slots=True)
class Signs:
    """`heavy`: the statements that do much work, by time; the first is named. `share`: their part of the requests'
    time. `before`: the first one in a sound baseline."""

    work: Work
    heavy: tuple[Statement, ...]
    share: float
    before: Statement | None
    calls_before: float | None
    sound: bool
    locked: float
    table: TableShape | None
    table_work: TableWork | None
    logged: Hits
    fault: FaultSpan | None

    @property
    def first(self) -> Statement:
        return self.heavy[0]

    @property
    def as_before(self) -> bool:
        """As much work a call, and as many calls a request, in a baseline that was sound."""
        if self.before is None or self.calls_before is None:
            return False
        calls = self.work.per_request(self.first)
        alike = self.first.blocks_per_call < 1.5 * self.before.blocks_per_call + _BLOCKS / 5
        return alike and calls < 1.5 * self.calls_before + 0.05


def heavy_share(case: Case) -> float:
    """The part of the requests' time in the trouble that went into statements with much work, 0..1."""
    return max((s.share for s in _signs(case)), default=0.0)


def examine(case: Case) -> FindingNamed | None:
    """Names the statement, the table and what to do about it; or the injected fault, where that is surer."""
    if not case.suffers:
        return None
    found = [f for f in (_own(case), injected_queries.examine(case)) if f is not None]
    return max(found, key=lambda f: f.confidence, default=None)


def _own(case: Case) -> FindingNamed | None:
    signs = max(_signs(case), key=lambda s: s.share, default=None)
    if signs is None:
        return None
    confidence = _confidence(signs)
    if confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [
            _statement_piece(case, signs),
            _table_piece(case, signs),
            case.log_piece(signs.logged, "of slow statements"),
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(signs),
        fault=signs.fault,
        recommendation=database_advice.for_work(
            case, signs.work.source, signs.first, signs.table, signs.table_work, signs.work.per_request(signs.first)
        ),
    )


def _signs(case: Case) -> list[Signs]:
    return [s for name in case.databases if (s := _weigh(case, f"database.{name}")) is not None]


def _weigh(case: Case, source: str) -> Signs | None:
    work = work_in(case.view, source, trouble_stretch(case))
    heavy = tuple(s for s in work.statements if is_heavy(s)) if work is not None else ()
    if work is None or not heavy:
        return None
    sound = sound_before(case)
    earlier = work_in(case.view, source, sound) if sound is not None else None
    first = heavy[0]
    before = earlier.find(first.id) if earlier is not None else None
    calls_before = earlier.per_request(before) if earlier is not None and before is not None else None
    table = reads_from(first.query, shapes(case.view, source), work.tables)
    locks = lock_account(case)
    more = calls_before is None or work.per_request(first) > 1.5 * calls_before
    return Signs(
        work=work,
        heavy=heavy,
        share=max(work.share_of_waiting(heavy), running_part(case, source, [s.id for s in heavy])),
        before=before,
        calls_before=calls_before,
        sound=sound is not None,
        locked=locks.part if locks is not None and locks.source == source else 0.0,
        table=table,
        table_work=work.tables.get(table.name) if table is not None else None,
        logged=case.find(_LOG),
        # without its cache the platform asks the database for everything
        fault=_without_cache(case) if more and sound else None,
    )


def _without_cache(case: Case) -> FaultSpan | None:
    at_cache = next((f for name in case.caches if (f := case.fault_at(_AT_CACHE, name)) is not None), None)
    return at_cache or case.fault_on(_CACHE_GONE, [p for p in case.caches.values() if p])


def is_heavy(statement: Statement) -> bool:
    """By its work a call, never by its time."""
    if not statement.calls or not database_advice.is_question(statement.query):
        return False
    return statement.blocks_per_call >= _BLOCKS or statement.temp_per_call >= _TEMP


def _confidence(signs: Signs) -> float:
    if signs.share < _SHARE:
        return 0.0
    first = signs.first
    confidence = 0.62 + 0.12 * (signs.share >= _LARGE_SHARE)
    confidence += 0.08 * (first.blocks_per_call >= _MANY_BLOCKS or first.temp_per_call >= 5 * _TEMP)
    confidence += 0.08 * (sum(s.total_ms for s in signs.heavy) >= 0.7 * signs.work.total_ms)
    confidence += 0.05 * bool(signs.table_work and signs.table_work.sequential_rows)
    confidence += 0.03 * bool(signs.logged)
    confidence += 0.05 * (signs.sound and not signs.as_before)
    confidence *= 0.3 if signs.as_before else 1.0
    confidence *= 0.5 if signs.locked > signs.share else 1.0
    return min(0.97, confidence)


def _statement_piece(case: Case, signs: Signs) -> EvidencePiece | None:
    first = signs.first
    record = max(
        signs.work.records, key=lambda r: max((s.total_ms for s in r.statements if s.id == first.id), default=0.0)
    )
    before = signs.before
    told = f", {before.blocks_per_call:.0f} blocks a call in the baseline" if before is not None else ""
    text = (
        f"{signs.work.source}: {first.calls} calls, {first.mean_ms:.0f} ms and {first.blocks_per_call:.0f} blocks a "
        f"call for {first.rows_per_call:.3g} rows{told}: {first.query}"
    )
    return row_piece(case, record, (signs.work.source, STATEMENTS), lambda row: row.get("id") == first.id, text)


def _table_piece(case: Case, signs: Signs) -> EvidencePiece | None:
    table, shape = signs.table_work, signs.table
    if table is None or shape is None or not table.sequential_rows:
        return None
    record = max(
        signs.work.records, key=lambda r: max((t.sequential_rows for t in r.tables if t.name == table.name), default=0)
    )
    text = (
        f"{signs.work.source}: {table.sequential_scans} scans of all of {table.name} read {table.sequential_rows} rows "
        f"({table.live} are in it; {table.modified} changed since the last analyze, {table.dead} are dead)"
    )
    return row_piece(case, record, (signs.work.source, TABLES), lambda row: row.get("table") == table.name, text)


def _summary(signs: Signs) -> str:
    first = signs.first
    megabytes = first.blocks_per_call * _BLOCK_BYTES / 1e6
    spill = f" and {first.temp_per_call:.0f} temporary ones" if first.temp_per_call >= _TEMP else ""
    of = f" of {signs.table.name}" if signs.table is not None else ""
    more = f", {len(signs.heavy) - 1} more do much work too" if len(signs.heavy) > 1 else ""
    text = (
        f"A statement reads {first.blocks_per_call:.0f} blocks{of} ({megabytes:.1f} MB){spill} to answer "
        f"{first.rows_per_call:.3g} rows: {first.calls} calls took {first.mean_ms:.0f} ms each, and "
        f"{signs.share * 100:.0f}% of the time that requests waited went into such work{more}: {_cut(first.query)}"
    )
    if signs.fault is None:
        return text
    return f'The injected fault "{signs.fault.name}" sends these calls to the database. What it exposed: {text}'


def _cut(query: str) -> str:
    return query if len(query) <= 160 else query[:159] + "…"
