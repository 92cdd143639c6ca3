"""Locks, idle transactions and slow queries in a runbook: each slip is told with its mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
LOCK = "  - {name: locked, kind: lock-contention, database: main, table: apps, rows: 20%, at: 60s, for: 30s}\n"
BUSY = "  - {name: busy, kind: slow-queries, database: main, sessions: 4, at: 60s, for: 30s}\n"
SLOTS = "  - {name: no slots, kind: slot-exhaustion, database: main, at: 70s, for: 30s}\n"
WAYS = 'main: {dsn: "${DATABASE_URL}", exhaust_dsn: "${DATABASE_URL}", platform_dsn: "${DATABASE_URL}", through'


def with_faults(desk, lines):
    desk.change_runbook("stop_when:\n", f"{lines}stop_when:\n")
    desk.change_target('main: {dsn: "${DATABASE_URL}", through', WAYS)


def test_they_sit_on_a_database_beside_each_other(desk):
    with_faults(desk, LOCK + BUSY)
    locked, busy = desk.load()[0].faults[2:]
    assert (locked.kind, locked.database, locked.params.rows) == ("lock-contention", "main", "20%")
    assert (busy.kind, busy.place, busy.on) == ("slow-queries", "main", "database")


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        ("rows: 20%", "rows: some", "faults.rows: 'some' names no rows (write 50, 20% or"),
        ("rows: 20%", "rows: {id: 1}", "names no rows"),
        ("rows: 20%", 'rows: "id in (1, x)"', "names no values (write numbers, or text in single quotes"),
        ("rows: 20%", "rows: 20%, blocks: everything", "locked rows can still be read (leave blocks out"),
        ("rows: 20%", "blocks: write", "unknown 'write' (did you mean 'writes'?)"),
        ("rows: 20%", "row: 20%", "unknown key 'row' of the fault kind 'lock-contention' (did you mean 'rows'?)"),
        ("table: apps, ", "", "the key 'table' is missing"),
        ("table: apps", "table: drop table apps", "'drop table apps' is no table's name (write investments or"),
        ("database: main", "proxy: postgres", "lock-contention sits on a database, not on a proxy"),
        ("lock-contention", "lock-contenton", "unknown fault kind 'lock-contenton' (did you mean 'lock-contention'?)"),
        ("lock-contention", "idle-in-transaction, sessions: 60", "faults.sessions: must be at most 50"),
    ],
)
def test_each_slip_is_told(desk, old, new, defect):
    with_faults(desk, LOCK.replace(old, new))
    assert any(defect in said for said in desk.defects()), desk.defects()


@pytest.mark.parametrize(
    ("lines", "defect"),
    [
        (LOCK + SLOTS, "'locked' and 'no slots' are on at once: the one takes the slots of 'main'"),
        (LOCK + LOCK.replace("locked", "again"), "'locked' and 'again' are both lock-contention on apps at once"),
        (BUSY + BUSY.replace("busy", "again"), "'busy' and 'again' are both slow-queries on 'main' at once"),
    ],
)
def test_two_that_could_not_be_told_apart_are_not_on_at_once(desk, lines, defect):
    with_faults(desk, lines)
    assert any(defect in said for said in desk.defects()), desk.defects()


def test_two_tables_can_be_locked_at_once(desk):
    with_faults(desk, LOCK + LOCK.replace("locked", "again").replace("apps", "payments"))
    assert [f.params.table for f in desk.load()[0].faults[2:]] == ["apps", "payments"]


def test_the_two_ways_in_are_asked_for(desk):
    desk.change_runbook("stop_when:\n", f"{LOCK}stop_when:\n")
    assert any("add exhaust_dsn: and platform_dsn:" in said for said in desk.defects())


def test_the_examples_of_the_page_are_read_without_a_defect(desk):
    text = (DOCS / "runbooks.md").read_text()
    kinds = "lock-contention|idle-in-transaction|slow-queries"
    examples = re.findall(rf"^- `({{name: [^`]*kind: (?:{kinds})[^`]*}})`", text, re.MULTILINE)
    with_faults(desk, "".join(f"  - {example}\n" for example in examples))
    assert [f.kind for f in desk.load()[0].faults[2:]] == [
        "lock-contention",
        "lock-contention",
        "idle-in-transaction",
        "slow-queries",
    ]
