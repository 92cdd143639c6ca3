"""What speaks against sessions as a fault: each objection names the role or table and its mend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import database_facts
import pytest

from faults.database_table import TableRights
from faults.exhausting_role import Allowed, RoleFacts
from faults.objection import Objection
from faults.row_selection import RowSelection
from faults.session_facts import SessionFacts, SessionWants
from faults.session_objections import against

SLOTS = replace(database_facts.SLOTS, exhausting=RoleFacts("exhauster", connection_limit=100))
TABLE = replace(database_facts.TABLE, kind="p")
FACTS = replace(database_facts.SESSIONS, slots=SLOTS, table=TABLE)
WORK = SessionWants(sessions=8)
LOOK = SessionWants(sessions=5, sees=True)
READ = SessionWants(sessions=8, table="orders", read=True)
LOCK = SessionWants(sessions=1, table="orders", lock=True)
BLOCK = replace(LOCK, for_writers_only=False)
ROWS = replace(LOCK, rows=RowSelection(count=3))


def found(wants: SessionWants, facts: SessionFacts = FACTS) -> tuple[Objection, ...]:
    return against(facts, wants, Allowed())


def slots(**changes: Any) -> SessionFacts:
    return replace(FACTS, slots=replace(SLOTS, **changes))


def table(**changes: Any) -> SessionFacts:
    return replace(FACTS, table=replace(TABLE, **changes))


@pytest.mark.parametrize("wants", [WORK, LOOK, READ, LOCK, BLOCK, ROWS])
def test_nothing_speaks_against_a_documented_role_and_a_table_of_the_platform(wants: SessionWants) -> None:
    assert found(wants) == ()


def test_a_platform_that_is_a_superuser_can_feel_a_lock_though_it_can_not_be_shut_out() -> None:
    assert found(LOCK, slots(platform=RoleFacts("shop", superuser=True))) == ()


@pytest.mark.parametrize(
    ("wants", "facts", "what", "mend"),
    [
        (WORK, slots(watcher_server=replace(SLOTS.server, started="9")), "two different servers", "the same server"),
        (WORK, slots(platform=RoleFacts("exhauster")), "are both exhauster", "a login of its own"),
        (WORK, slots(exhausting=RoleFacts("x", connection_limit=8)), "may hold 7 sessions", "connection limit 18"),
        (WORK, slots(count=replace(SLOTS.count, used=88)), "9 slots of the server are free", "fewer sessions"),
        (LOOK, replace(FACTS, watcher_sees=False), "may not look into sessions", "grant pg_monitor"),
        (LOCK, replace(FACTS, databases=("a", "b")), "leads to the database a, and", "write b into exhaust_dsn"),
        (LOCK, replace(FACTS, table=None), "no table orders in shop, or shop may not see it", "write its schema"),
        (LOCK, table(kind="v"), "public.orders is no table", "no view"),
        (LOCK, table(exhausting=TableRights(rows=True)), "exhauster may not lock public.orders", "grant maintain on"),
        (LOCK, table(platform=TableRights(read=True)), "shop never writes public.orders", "it works with"),
        (BLOCK, table(platform=TableRights()), "neither reads nor writes", "it works with"),
        (ROWS, table(exhausting=TableRights(lock=True)), "may not lock rows", "grant select, update (id) on"),
        (ROWS, table(platform=TableRights(write=True)), "never writes", "it works with"),
        (ROWS, replace(FACTS, rows=0), "no row of public.orders is meant", "see what is in the table"),
        (ROWS, replace(FACTS, rows=10_001), "10001 rows of public.orders or more", "the whole table"),
        (ROWS, replace(FACTS, rows=None, too_slow=True), "can't be found out", "has an index"),
        (READ, table(exhausting=TableRights(lock=True)), "may not read public.orders", "grant select on"),
    ],
)
def test_what_could_not_work_is_said_with_its_mend(
    wants: SessionWants, facts: SessionFacts, what: str, mend: str
) -> None:
    [objection] = found(wants, facts)
    assert what in objection.what
    assert mend in objection.mend
    assert not objection.refusal


def test_the_server_s_own_tables_are_refused() -> None:
    [objection] = found(LOCK, table(system=True))
    assert objection.refusal
    assert "nobody could log in any more" in objection.what


def test_readers_that_never_write_feel_a_lock_against_everybody() -> None:
    assert found(BLOCK, table(platform=TableRights(read=True))) == ()


def test_before_postgresql_17_locking_a_table_takes_the_right_to_update_it() -> None:
    old = replace(SLOTS.server, version_num=160004)
    facts = replace(table(exhausting=TableRights()), slots=replace(SLOTS, server=old, platform_server=old))
    assert [o.mend for o in found(LOCK, facts)] == ["grant update on public.orders to exhauster"]
