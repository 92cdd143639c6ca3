"""Takes a lock on a table or on rows of it, without ever queueing others behind for long, and knocks at it.

Who waits for a strong lock holds up everybody who comes after him. So the lock is asked for with a lock timeout of a
fraction of a second, again and again with a pause in between; rows that somebody has are skipped, and asked for again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from faults.database_table import TableFacts
from faults.probe import APPLICATION_NAME
from faults.row_selection import RowSelection
from faults.server_slots import CALL_S, ServerSlots
from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach import postgres
from harness.reach.postgres import LockHeld

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 0.25
_PAUSE_S = 0.15
_BUSY_ROWS_S = 2.0
KNOCK_S = 0.25
_WRITERS, _EVERYBODY = "exclusive", "access exclusive"
_HOLDER = """
/* gameday */ select l.pid, coalesce(nullif(a.application_name, ''), a.backend_type, 'a session'), l.mode
from pg_locks l left join pg_stat_activity a on a.pid = l.pid
where l.relation = %s::oid and l.granted and l.pid <> pg_backend_pid()
order by a.xact_start nulls last limit 1
"""

Connection = psycopg.Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class TableLock:
    """What is locked: `rows` of the table, against those who change or lock them; None: all of it, `for_writers_only`
    or against readers too."""

    table: TableFacts
    rows: RowSelection | None = None
    for_writers_only: bool = True

    @property
    def mode(self) -> str:
        return _WRITERS if self.for_writers_only else _EVERYBODY


@dataclass(frozen=True, slots=True)
class LockedRow:
    """Where a row is. While it is locked, it stays there."""

    table_oid: int
    ctid: str


def take(
    session: Connection, lock: TableLock, most: int, *, ended: threading.Event, deadline: Deadline
) -> tuple[LockedRow, ...]:
    """Begin a transaction that has the lock, on `most` rows at most; () for a whole table. Raises ReachFailed when it
    could not be had in time, or `ended` was set."""
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            return _try(session, lock, most, wait_s, ended, deadline)
        except LockHeld:
            postgres.query(session, "rollback", timeout_s=CALL_S)
        if deadline.passed or ended.wait(_PAUSE_S):
            raise ReachFailed(f"the lock on {lock.table.name} could not be had in time: {_holder(session, lock)}")
        wait_s = min(_LONGEST_WAIT_S, 1.5 * wait_s)


def knock(slots: ServerSlots, lock: TableLock, row: LockedRow | None) -> bool:
    """Whether the platform's role has to wait for what the lock keeps it from: it asks for the weakest lock that needs
    it, waits a quarter of a second, and gives it back at once. Raises ReachFailed."""
    with closing(slots.platform(APPLICATION_NAME)) as session, _transaction(session):
        postgres.query(session, f"set local lock_timeout = {round(KNOCK_S * 1000)}", timeout_s=CALL_S)
        try:
            postgres.query(session, *_asked(lock, row), timeout_s=CALL_S)
        except LockHeld:
            return True
        return False


def _asked(lock: TableLock, row: LockedRow | None) -> tuple[str, tuple[object, ...]]:
    name = lock.table.name
    if row is not None:
        sql = f"/* gameday */ select 1 from {name} where tableoid = %s::oid and ctid = %s::tid for update"  # noqa: S608 - quoted by the server
        return sql, (row.table_oid, row.ctid)
    reads = not lock.for_writers_only and lock.table.platform.read
    return f"lock table {name} in {'access share' if reads else 'row exclusive'} mode", ()


@contextlib.contextmanager
def _transaction(session: Connection) -> Iterator[None]:
    postgres.query(session, "begin", timeout_s=CALL_S)
    try:
        yield
    finally:
        with contextlib.suppress(ReachFailed):
            postgres.query(session, "rollback", timeout_s=CALL_S)


def _try(
    session: Connection, lock: TableLock, most: int, wait_s: float, ended: threading.Event, deadline: Deadline
) -> tuple[LockedRow, ...]:
    access = "read only" if lock.rows is None else "read write"
    postgres.query(session, f"begin {access}", timeout_s=CALL_S)
    postgres.query(session, f"set local lock_timeout = {round(wait_s * 1000)}", timeout_s=CALL_S)
    if lock.rows is None:
        postgres.query(session, f"lock table {lock.table.name} in {lock.mode} mode", timeout_s=CALL_S)
        return ()
    patience = Deadline.after(min(_BUSY_ROWS_S, deadline.left_s()))
    return _take_rows(session, lock.table, lock.rows, most, ended, patience)


def _take_rows(
    session: Connection, table: TableFacts, rows: RowSelection, most: int, ended: threading.Event, patience: Deadline
) -> tuple[LockedRow, ...]:
    """As many as come free while `patience` lasts: somebody else's are skipped, and asked for again."""
    # a share is spread over the table, and is the same rows each time
    order = "order by hashtext(ctid::text)" if rows.share is not None else ""
    sql = f"/* gameday */ select tableoid::bigint, ctid::text from {table.name} {rows.where} {order} limit %s "  # noqa: S608 - quoted by the server
    while True:
        found = postgres.query(session, f"{sql} for update skip locked", (*rows.values, most), timeout_s=CALL_S)
        if len(found) >= most or patience.passed or ended.wait(_FIRST_WAIT_S):
            return tuple(LockedRow(oid, ctid) for oid, ctid in found)


def _holder(session: Connection, lock: TableLock) -> str:
    try:
        found = postgres.query(session, _HOLDER, (lock.table.oid,), timeout_s=CALL_S)
    except ReachFailed:
        found = []
    if not found:
        return "others take it too often"
    pid, who, mode = found[0]
    return f"pid {pid} ({who}) holds {mode} on it"
