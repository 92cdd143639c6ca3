"""The work between two looks at PostgreSQL's counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.journal.record import DatabaseWork
from harness.journal.work import StatementWork, TableWork
from harness.monitor.database_counters import DatabaseCounters, StatementTotals, TableTotals

TOP = 20
_NO_TABLE = TableTotals(0, 0, 0, 0, 0, 0, 0)
_ORDERS: tuple[Callable[[StatementWork], float], ...] = (lambda s: s.total_ms, lambda s: s.calls)


def difference(source: str, last: DatabaseCounters, now: DatabaseCounters) -> DatabaseWork:
    """What was done from `last` to `now`. Counters that were set back meanwhile count from zero."""
    all_reset = now.statements_since != last.statements_since
    reset = all_reset or now.since != last.since or now.transactions < last.transactions
    statements = []
    for key, totals in now.statements.items():
        before = None if all_reset else last.statements.get(key)
        if before is not None and _set_back(before, totals):
            before, reset = None, True
        work = _statement(key, before, totals)
        if work.calls:
            statements.append(work)
    return DatabaseWork(
        source=source,
        start=last.t,
        end=now.t,
        statements=first(statements),
        tables=_tables(last.tables, now.tables),
        transactions=_grown(last.transactions, now.transactions),
        rollbacks=_grown(last.rollbacks, now.rollbacks),
        deadlocks=_grown(last.deadlocks, now.deadlocks),
        temp_bytes=_grown(last.temp_bytes, now.temp_bytes),
        reset=reset,
    )


def first(statements: Sequence[StatementWork]) -> tuple[StatementWork, ...]:
    """Those that took most time and those that were called most, by time."""
    kept = {s.id: s for order in _ORDERS for s in sorted(statements, key=order, reverse=True)[:TOP]}
    return tuple(sorted(kept.values(), key=lambda s: -s.total_ms))


def _set_back(before: StatementTotals, now: StatementTotals) -> bool:
    """By pg_stat_statements_reset for it alone, or it was dropped for lack of room and has come again."""
    return now.calls < before.calls or now.total_ms < before.total_ms or now.since > before.since > 0


def _statement(key: str, before: StatementTotals | None, now: StatementTotals) -> StatementWork:
    last = before or StatementTotals(0, 0.0, 0, 0, 0, 0)
    return StatementWork(
        id=key,
        calls=now.calls - last.calls,
        total_ms=round(now.total_ms - last.total_ms, 3),
        rows=max(0, now.rows - last.rows),
        blocks=max(0, now.blocks - last.blocks),
        blocks_read=max(0, now.blocks_read - last.blocks_read),
        temp_blocks=max(0, now.temp_blocks - last.temp_blocks),
    )


def _tables(last: Mapping[str, TableTotals], now: Mapping[str, TableTotals]) -> tuple[TableWork, ...]:
    work = [_table(name, last.get(name, _NO_TABLE), totals) for name, totals in now.items()]
    touched = [t for t in work if t.sequential_scans or t.index_scans or t.changed_rows]
    return tuple(sorted(touched, key=lambda t: (-t.sequential_rows, -t.changed_rows, t.name))[:TOP])


def _table(name: str, last: TableTotals, now: TableTotals) -> TableWork:
    return TableWork(
        name=name,
        sequential_scans=_grown(last.sequential_scans, now.sequential_scans),
        sequential_rows=_grown(last.sequential_rows, now.sequential_rows),
        index_scans=_grown(last.index_scans, now.index_scans),
        changed_rows=_grown(last.changed_rows, now.changed_rows),
        live=now.live,
        dead=now.dead,
        modified=now.modified,
    )


def _grown(last: int, now: int) -> int:
    return now - last if now >= last else now
