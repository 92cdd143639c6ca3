"""What a runbook may say of taking a database's slots, and what each slip is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

SLOTS = "  - {name: no slots, kind: slot-exhaustion, database: main, leave: 3, at: 60s, for: 30s}\n"
WAYS = 'main: {dsn: "${DATABASE_URL}", exhaust_dsn: "${DATABASE_URL}", platform_dsn: "${DATABASE_URL}", through'


def with_slots(desk: Desk, line: str = SLOTS) -> None:
    desk.change_runbook("stop_when:\n", f"{line}stop_when:\n")
    desk.change_target('main: {dsn: "${DATABASE_URL}", through', WAYS)


def test_a_slot_exhaustion_sits_on_a_database(desk: Desk) -> None:
    with_slots(desk)

    fault = desk.load()[0].faults[2]

    assert (fault.kind, fault.proxy, fault.database, fault.place) == ("slot-exhaustion", "", "main", "main")
    assert fault.recorded_params == {"leave": 3, "lease_ms": 10_000.0, "evict": False}


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        ("database: main", "proxy: postgres", "slot-exhaustion sits on a database, not on a proxy (write"),
        ("database: main, ", "", "the key 'database' is missing"),
        ("database: main", "database:", "the key 'database' has no value"),
        ("database: main", "database: mian", "unknown database 'mian' (did you mean 'main'?)"),
        ("leave: 3", "leave: -1", "faults.leave: must be at least 0"),
        ("leave: 3", "lease: 1s", "faults.lease: must be at least 2 s"),
        ("leave: 3", "leafe: 3", "unknown key 'leafe' of the fault kind 'slot-exhaustion'"),
        ("leave: 3", "evict: maybe", "faults.evict: must be true or false"),
    ],
)
def test_each_slip_in_a_slot_exhaustion_is_told(desk: Desk, old: str, new: str, defect: str) -> None:
    with_slots(desk, SLOTS.replace(old, new))

    assert any(defect in said for said in desk.defects()), desk.defects()


def test_slots_can_not_be_taken_twice_at_once_nor_without_the_two_ways_in(desk: Desk) -> None:
    again = SLOTS.replace("no slots", "none again").replace("at: 60s", "at: 70s")
    with_slots(desk, SLOTS + again)
    assert any("'no slots' and 'none again' take the slots of 'main' at once" in said for said in desk.defects())

    desk.change_target('platform_dsn: "${DATABASE_URL}", ', "")
    assert any("add exhaust_dsn: and platform_dsn:" in said for said in desk.defects())
