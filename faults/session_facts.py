"""What is known of a server before sessions on it become a fault: the roles, the slots, the table and its rows."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from faults.database_table import TableFacts, database_of, find_table
from faults.row_selection import MOST_ROWS, RowSelection
from faults.server_slots import CALL_S, LOOK_NAME, ServerSlots, SlotFacts, look
from harness.errors import ReachTimeout
from harness.reach import postgres


@dataclass(frozen=True, slots=True)
class SessionWants:
    """What a fault asks for: so many `sessions`; of `table` ("": none) the `lock` of all of it, of `rows`, or nothing
    but to `read` it. `sees`: the watcher must be allowed to look into sessions, to prove it. `for_writers_only`: the
    lock lets readers through."""

    sessions: int
    table: str = ""
    rows: RowSelection | None = None
    lock: bool = False
    for_writers_only: bool = True
    read: bool = False
    sees: bool = False


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """`databases`: where the exhausting and the platform's role log in. `rows`: how many the selection means, None
    where none is made, or where counting them took too long (`too_slow`)."""

    slots: SlotFacts
    databases: tuple[str, str]
    watcher_sees: bool
    table: TableFacts | None = None
    rows: int | None = None
    too_slow: bool = False

    @property
    def same_database(self) -> bool:
        return self.databases[0] == self.databases[1]


def look_for(slots: ServerSlots, wants: SessionWants) -> SessionFacts:
    """The facts now, by reading alone. Raises ReachFailed."""
    counted = look(slots)
    with closing(slots.exhaust(LOOK_NAME)) as exhausting, closing(slots.platform(LOOK_NAME)) as platform:
        databases = (database_of(exhausting), database_of(platform))
    with closing(slots.watch()) as watcher:
        sees = "select pg_has_role(current_user, 'pg_read_all_stats', 'usage')"
        [(watcher_sees,)] = postgres.query(watcher, sees, timeout_s=CALL_S)
    if not wants.table or databases[0] != databases[1]:
        return SessionFacts(counted, databases, watcher_sees)
    table = find_table(slots, wants.table)
    if table is None or wants.rows is None or not table.exhausting.rows:
        return SessionFacts(counted, databases, watcher_sees, table)
    try:
        rows = count_rows(slots, table, wants.rows)
    except ReachTimeout:
        return SessionFacts(counted, databases, watcher_sees, table, too_slow=True)
    return SessionFacts(counted, databases, watcher_sees, table, rows)


def count_rows(slots: ServerSlots, table: TableFacts, rows: RowSelection) -> int:
    """How many rows the selection means. Raises ReachFailed, ReachTimeout where the table is too large to count."""
    with closing(slots.exhaust(LOOK_NAME)) as session:
        if rows.share is not None:
            return math.ceil(_number(session, f"select count(*) from {table.name}") * rows.share)  # noqa: S608 - quoted by the server
        most = rows.count or MOST_ROWS + 1
        inside = f"select 1 from {table.name} {rows.where} limit {most}"  # noqa: S608 - as above
        return _number(session, f"select count(*) from ({inside}) q", rows.values)  # noqa: S608 - as above


def _number(session: psycopg.Connection[TupleRow], sql: str, params: tuple[str, ...] = ()) -> int:
    [(number,)] = postgres.query(session, f"/* gameday */ {sql}", params, timeout_s=CALL_S)
    return int(number)
