"""What to do about a statement, with the names and the numbers that were seen."""

from __future__ import annotations

import re

from harness.analysis.case import Case
from harness.analysis.database_work import Statement, setting
from harness.analysis.statement_shape import bare, has_index, looks_by
from harness.journal.work import TableShape, TableWork

_FEW_ROWS = 50
_STALE_ROWS = 1000


def is_question(query: str) -> bool:
    """A statement that reads or writes tables, not one that begins a transaction or asks whether the server lives."""
    return (
        re.match(r"\s*(?:\(\s*)?(?:select|with|insert|update|delete|merge|table)\b", query, re.IGNORECASE) is not None
    )


def for_work(
    case: Case, source: str, first: Statement, table: TableShape | None, work: TableWork | None, per_request: float
) -> str:
    """For a statement that does much work a call: an index, fresh statistics, less garbage, or not asking."""
    told = [*_vacuum(work), *_index(first, table, work), *_spill(case, source, first)]
    told.append(_less(first, per_request))
    return " ".join(told)


def _vacuum(work: TableWork | None) -> list[str]:
    if work is None or work.dead < max(10 * _STALE_ROWS, work.live):
        return []
    return [
        f"{work.name} holds {work.dead} dead rows beside {work.live} live ones: end the long transaction that keeps "
        f"them, then `vacuum (analyze) {work.name}`."
    ]


def _index(first: Statement, table: TableShape | None, work: TableWork | None) -> list[str]:
    if table is None:
        return [
            f"Look at its plan with explain (analyze, buffers): {first.blocks_per_call:.0f} blocks a call are read."
        ]
    columns = looks_by(first.query, table)
    if columns and not has_index(table, columns):
        rows = f" of {table.rows} rows" if table.rows else ""
        create = f"create index concurrently on {table.name} ({', '.join(columns[:3])})"
        return [f"No index of {table.name} begins with {' or '.join(columns[:3])}, so all{rows} is read: `{create}`."]
    if work is not None and work.modified > max(_STALE_ROWS, work.live // 10):
        return [f"{work.modified} rows of {table.name} changed since its statistics were made: `analyze {table.name}`."]
    if columns:
        return [
            f"An index on {bare(table.name)} begins with {' or '.join(columns[:3])}; see with explain (analyze, "
            f"buffers) why it reads {first.blocks_per_call:.0f} blocks a call all the same."
        ]
    return [
        f"It reads all of {table.name} ({table.rows} rows) at each call, which no index can spare it: keep the sums "
        f"beside the rows they are about, or in a materialised view."
    ]


def _spill(case: Case, source: str, first: Statement) -> list[str]:
    if first.temp_per_call < 1:
        return []
    now = setting(case.view, source, "work_mem")
    return [
        f"It sorts on disk, {first.temp_per_call:.0f} temporary blocks a call: a larger work_mem for it"
        f"{f' (now {now})' if now else ''}, or an index in the order that it needs."
    ]


def _less(first: Statement, per_request: float) -> str:
    if first.rows_per_call > 1000:
        return f"It returns {first.rows_per_call:.0f} rows a call: ask for a page of them. Then play the same again."
    often = f"it runs {per_request:.2g} times a request for {first.rows_per_call:.3g} rows"
    cached = "answer it from the cache for some seconds" if first.rows_per_call <= _FEW_ROWS else "cache it"
    return f"Where the answer may be some seconds old, {cached} ({often}). Then play the same again."
