"""The kinds on a database that are made of sessions: their parameters, and what they do in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faults.catalog import KINDS
from faults.fault import FaultPlan
from faults.marked_sessions import marker


@pytest.mark.parametrize(
    ("kind", "params", "text"),
    [
        ("lock-contention", {"table": "orders"}, "the table orders is locked: who writes to it waits"),
        ("lock-contention", {"table": "orders", "blocks": "everything"}, "locked: who reads or writes it waits"),
        ("lock-contention", {"table": "orders", "rows": "20%"}, "20% of the rows of orders are locked"),
        ("lock-contention", {"table": "s.orders", "rows": "id = 1"}, "the rows with id = 1 of s.orders are locked"),
        ("idle-in-transaction", {}, "5 sessions stand idle in transaction"),
        (
            "idle-in-transaction",
            {"sessions": 1, "table": "orders", "rows": 50},
            "1 session stands idle in transaction, and holds 50 rows of orders",
        ),
        ("slow-queries", {}, "8 sessions keep the database server busy with hashing numbers"),
        ("slow-queries", {"sessions": 2, "work": "sort", "table": "orders"}, "busy with sorting the rows of orders"),
    ],
)
def test_what_a_kind_does_reads_aloud(kind: str, params: dict[str, object], text: str) -> None:
    assert text in KINDS[kind].expected(KINDS[kind].params.model_validate(params))


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("lock-contention", {}),
        ("lock-contention", {"table": "orders; drop table orders"}),
        ("lock-contention", {"table": "orders", "rows": "id in (1)", "blocks": "everything"}),
        ("lock-contention", {"table": "orders", "rows": "true"}),
        ("lock-contention", {"table": "orders", "blocks": "readers"}),
        ("lock-contention", {"table": "orders", "lease": "1s"}),
        ("lock-contention", {"table": "orders", "sessions": 2}),
        ("idle-in-transaction", {"sessions": 0}),
        ("idle-in-transaction", {"sessions": 51}),
        ("idle-in-transaction", {"table": "orders"}),
        ("idle-in-transaction", {"rows": 5}),
        ("slow-queries", {"sessions": 65}),
        ("slow-queries", {"work": "io"}),
        ("slow-queries", {"lease": "2m"}),
    ],
)
def test_parameters_that_do_nothing_or_too_much_are_refused(kind: str, params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].params.model_validate(params)


def test_the_journal_has_plain_values_and_leaves_out_what_was_left_open() -> None:
    def recorded(kind: str, **params: Any) -> dict[str, float | str | bool]:
        model = KINDS[kind].params.model_validate(params)
        return FaultPlan("f1", "a fault", kind, "main", model, 0.0, 10.0, "database").recorded_params

    assert recorded("lock-contention", table="orders", rows=50) == {
        "table": "orders",
        "rows": "50",
        "blocks": "writes",
        "lease_ms": 10_000.0,
    }
    assert recorded("slow-queries", lease="5s") == {"sessions": 8, "work": "cpu", "lease_ms": 5000.0}


def test_everybody_sees_whose_sessions_they_are_and_no_two_faults_share_a_name() -> None:
    assert marker("20250101-000000-drill-ab12", "f1") == "gameday-fault-20250101-000000-drill-ab12-f1"
    long = [marker("20250101-000000-" + "a" * 60, f"f{number}") for number in (1, 2)]
    assert long[0] != long[1]
    assert {len(name) for name in long} == {63}
