"""Preflight of the faults: whether they can be played and proven, and as whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from database_facts import SESSIONS, SLOTS
from preflight_world import RUNBOOK, FakeWorld, NoParams, of, room_of
from pydantic import BaseModel

from faults.cache_connections import CacheConnectionsParams
from faults.cache_pause import CachePauseParams
from faults.cache_rights import PauseFacts
from faults.cache_room import Bound
from faults.cache_server import PauseState
from faults.catalog import KINDS
from faults.exhausting_role import RoleFacts
from faults.fault import FaultPlan
from faults.slot_exhaustion import SlotExhaustionParams
from harness.errors import ReachFailed

if TYPE_CHECKING:
    from conftest import Look


def test_a_fault_too_short_to_be_proven_is_a_warning(look: Look) -> None:
    short, enough = (FaultPlan(f"f{s}", f"{s} s", "down", "postgres", NoParams(), 10 * s, s) for s in (2.5, 5.0))

    found = look(runbook=replace(RUNBOOK, faults=(short, enough)))

    [check] = of(found, "fault")
    assert (check.name, check.ok, found.exit_code) == ("2.5 s", None, 0)
    assert check.detail == "lasts 2.5 s, less than 5 s: its effect at the platform may not be provable"
    assert check.mend == "write for: 5s or more"


def exhaustion(**keys: object) -> FaultPlan:
    params = SlotExhaustionParams.model_validate(keys)
    return FaultPlan("f1", "no slots", "slot-exhaustion", "main", params, 0.0, 20.0, "database")


def test_slots_that_can_be_taken_are_told_with_who_takes_how_many(look: Look) -> None:
    found = look(runbook=replace(RUNBOOK, faults=(exhaustion(leave=3),)))

    [check] = of(found, "fault", fine=True)
    assert check.ok is True
    assert check.detail == (
        "as gameday_exhaust takes 74 of 100 slots, leaves 3 and the 3 reserved ones; shop must be refused"
    )


@pytest.mark.parametrize(
    ("role", "keys", "said", "opt_out", "exit_code"),
    [
        (RoleFacts("admin", superuser=True), {}, "is a superuser", "allow_superuser: true", 14),
        (RoleFacts("free"), {}, "has no connection limit", "allow_unlimited: true", 14),
        (RoleFacts("small", connection_limit=40), {}, "may hold 39 sessions", "connection limit 100", 2),
        (RoleFacts("meek", connection_limit=100), {"evict": True}, "may not end", "grant pg_signal_backend", 2),
        (RoleFacts("late", connection_limit=100), {"leave": 90}, "only 77 slots are free", "a smaller leave", 2),
    ],
)  # fmt: skip
def test_slots_that_must_not_or_can_not_be_taken_are_told_with_the_mend(
    look: Look, role: RoleFacts, keys: dict[str, object], said: str, opt_out: str, exit_code: int
) -> None:
    world = FakeWorld(slot_facts=replace(SLOTS, exhausting=role))

    found = look(world, runbook=replace(RUNBOOK, faults=(exhaustion(**keys),)))

    [check] = of(found, "fault")
    assert said in check.detail
    assert opt_out in check.mend
    assert found.exit_code == exit_code


def session_fault(kind: str, **keys: object) -> FaultPlan:
    return FaultPlan("f1", "held", kind, "main", KINDS[kind].params.model_validate(keys), 0.0, 20.0, "database")


@pytest.mark.parametrize(
    ("kind", "keys", "said"),
    [
        ("lock-contention", {"table": "orders", "rows": "3"}, "3 rows of orders are locked: who changes them waits"),
        ("idle-in-transaction", {}, "5 sessions stand idle in transaction"),
        ("slow-queries", {}, "8 sessions keep the database server busy with hashing numbers"),
    ],
)
def test_sessions_that_can_be_had_are_told_with_what_they_do_and_who_feels_it(
    look: Look, kind: str, keys: dict[str, object], said: str
) -> None:
    found = look(runbook=replace(RUNBOOK, faults=(session_fault(kind, **keys),)))

    [check] = of(found, "fault", fine=True)
    assert check.ok is True
    assert said in check.detail
    assert check.detail.endswith("as gameday_exhaust; shop must feel it")


def test_sessions_that_must_not_be_are_refused_with_the_opt_out_and_others_broken(look: Look) -> None:
    runbook = replace(RUNBOOK, faults=(session_fault("slow-queries", sessions=60),))
    for role, said, mend, exit_code in (
        (RoleFacts("admin", superuser=True), "is a superuser", "allow_superuser: true", 14),
        (RoleFacts("small", connection_limit=40), "may hold 39 sessions", "connection limit 70", 2),
    ):
        world = FakeWorld(session_facts=replace(SESSIONS, slots=replace(SLOTS, exhausting=role)))
        found = look(world, runbook=runbook)
        [check] = of(found, "fault")
        assert said in check.detail
        assert mend in check.mend
        assert found.exit_code == exit_code
    away = FakeWorld(broken={"sessions main": ReachFailed("no route", where="db:5432")})
    [check] = of(look(away, runbook=runbook), "fault")
    assert (check.detail, check.mend) == ("db:5432: no route", "check exhaust_dsn and platform_dsn in the target file")


def on_cache(kind: str, params: BaseModel) -> FaultPlan:
    return FaultPlan("f1", "no cache", kind, "main", params, 0.0, 20.0, "cache")


def test_a_fault_on_a_cache_that_can_be_played_is_told_with_its_reach(look: Look) -> None:
    pause, filled = on_cache("cache-pause", CachePauseParams()), on_cache("cache-connections", CacheConnectionsParams())
    found = look(FakeWorld(), replace(RUNBOOK, faults=(pause, replace(filled, id="f2", name="full"))))

    assert found.ok
    text = {c.name: c.detail for c in found.checks if c.area == "fault" and c.ok}
    assert text["no cache"] == "may hold every command of the server with CLIENT PAUSE, 1 s at a time"
    assert "takes 9979 of 10000 connections, leaves 1" in text["full"]
    assert "the server ends them itself within 600 s" in text["full"]


@pytest.mark.parametrize(
    ("world", "params", "what", "mend", "code"),
    [
        (
            {"pausing": PauseFacts((7, 2), ("+monitor",), PauseState(known=True))},
            CachePauseParams(),
            "no right to +monitor",
            "ACL SETUSER name +monitor, or write commands: write",
            2,
        ),
        (
            {"pausing": PauseFacts((6, 0), (), PauseState(known=False))},
            CachePauseParams(),
            "Redis 6.0 has no",
            "6.2",
            2,
        ),
        (
            {"pausing": PauseFacts((7, 2), (), PauseState(True, True, 900))},
            CachePauseParams(),
            "somebody has paused",
            "CLIENT UNPAUSE",
            2,
        ),
        ({"room": room_of(100, 99)}, CacheConnectionsParams(), "nothing to exhaust", "a smaller leave", 2),
        (
            {"room": replace(room_of(100, 9), may_list=False)},
            CacheConnectionsParams(),
            "may not name, list",
            "+client|list +client|kill",
            2,
        ),
        (
            {"room": replace(room_of(100, 9), bound=Bound(0, 0))},
            CacheConnectionsParams(),
            "keep the connections of",
            "allow_unbounded: true",
            14,
        ),
    ],
)
def test_a_fault_on_a_cache_that_can_not_be_played_is_told_with_the_mend(
    look: Look, world: dict[str, object], params: BaseModel, what: str, mend: str, code: int
) -> None:
    kind = "cache-pause" if isinstance(params, CachePauseParams) else "cache-connections"
    found = look(FakeWorld(**world), replace(RUNBOOK, faults=(on_cache(kind, params),)))  # type: ignore[arg-type]

    [check] = [c for c in found.checks if c.area == "fault" and c.ok is False]
    assert what in check.detail
    assert mend in check.mend
    assert found.exit_code == code
