"""Slot exhaustion on a real PostgreSQL: the platform's role is refused, the head-room stays, all is given back."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from eventually import until
from fault_holder import holding
from postgres_server import SUPERUSER, dsn, postgres_server

from faults.fault import FaultPlan
from faults.healing import heal
from faults.server_slots import ServerSlots, look
from faults.slot_exhaustion import SlotExhaustion, SlotExhaustionParams, against
from faults.undo import Undo
from harness.clock import Deadline, boot_s
from harness.errors import NotHealed, ReachFailed, Refused
from harness.reach.allow_list import AllowList

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
LOOPBACK = AllowList(["127.0.0.0/8"])
MOST, RESERVED = 40, 3
REFUSED = "too many clients|slots are reserved"
Admin = psycopg.Connection[tuple[object, ...]]


def documented_sql() -> str:
    """What docs/targets.md tells people to play on their server."""
    text = (ROOT / "docs" / "targets.md").read_text()
    mark = "<!-- played by tests/integration/test_slot_exhaustion.py -->"
    blocks = re.findall(rf"{mark}\n```sql\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with a watcher, a platform's role, and the exhausting role as documented."""
    settings = {"max_connections": str(MOST), "superuser_reserved_connections": str(RESERVED)}
    with postgres_server(settings) as port:
        with psycopg.connect(dsn(SUPERUSER, port), autocommit=True) as admin:
            admin.execute("create role shop login; create role watcher login; grant pg_monitor to watcher")
            admin.execute(documented_sql().encode())
            admin.execute("create role boundless login; create role repl login replication connection limit 50")
            admin.execute("create role chosen login connection limit 50; grant pg_use_reserved_connections to chosen")
            admin.execute("create role small login connection limit 5")
        yield port


def slots_of(port: int, *, exhaust: str = "gameday_exhaust", platform: str = "shop") -> ServerSlots:
    return ServerSlots(
        "main",
        watch_dsn=dsn("watcher", port),
        exhaust_dsn=dsn(exhaust, port),
        platform_dsn=dsn(platform, port),
        reference="${EXHAUST_DATABASE_URL}",
        folder=Path("/"),
        allow=LOOPBACK,
    )


def params_of(**keys: object) -> SlotExhaustionParams:
    return SlotExhaustionParams.model_validate(keys)


@contextlib.contextmanager
def fault_on(slots: ServerSlots, **keys: object) -> Iterator[SlotExhaustion]:
    plan = FaultPlan("f1", "no slots", "slot-exhaustion", "main", params_of(**keys), 0.0, 30.0, "database")
    fault = SlotExhaustion(plan, slots, "20250101-000000-a-runbook-with-quite-a-long-name-ab12")
    fault.prepare()
    try:
        fault.inject()
        yield fault
    finally:
        fault.heal(Deadline.after(10))


def sessions(admin: Admin, role: str) -> int:
    row = admin.execute("select count(*)::int from pg_stat_activity where usename = %s", (role,)).fetchone()
    assert row is not None
    return int(str(row[0]))


def patient(role: str, port: int) -> Admin:
    """A session that is got in the end."""
    got: list[Admin] = []

    def try_it() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            got.append(psycopg.connect(dsn(role, port)))
        return bool(got)

    until(try_it)
    return got[0]


@pytest.fixture
def admin(port: int) -> Iterator[Admin]:
    """A superuser who was there before."""
    with psycopg.connect(dsn(SUPERUSER, port), autocommit=True) as connection:
        yield connection


def test_the_platform_is_refused_while_the_head_room_stays_and_all_is_given_back(port: int, admin: Admin) -> None:
    with fault_on(slots_of(port), leave=2, lease="5s") as fault:
        # the server needs a moment for the sessions that a probe has closed
        until(lambda: fault.prove_wire().measured.values["sessions_opened"] == 2)
        proof = fault.prove_wire()
        assert proof.effective
        assert re.search(REFUSED, proof.measured.text)
        assert fault.present()
        # the two slots that are left, and those that the server reserves for superusers
        with patient("watcher", port), patient("watcher", port):
            with pytest.raises(psycopg.OperationalError, match=REFUSED):
                psycopg.connect(dsn("shop", port)).close()
            with psycopg.connect(dsn(SUPERUSER, port)):
                pass
        begun = boot_s()
        assert fault.heal(Deadline.after(10)).rung in {"closed", "terminated"}
        assert boot_s() - begun < 9
    assert fault.measure_healed(Deadline.after(5)).effective
    until(lambda: not fault.present())
    until(lambda: sessions(admin, "gameday_exhaust") == 0)
    assert fault.heal(Deadline.after(10)).rung == "closed", "healing again changes nothing"


def test_a_slot_that_the_platform_frees_is_taken_before_it_comes_back(port: int, admin: Admin) -> None:
    with psycopg.connect(dsn("shop", port)) as early, fault_on(slots_of(port), leave=0, lease="5s"):
        taken = sessions(admin, "gameday_exhaust")
        early.close()
        until(lambda: sessions(admin, "gameday_exhaust") > taken)
        with pytest.raises(psycopg.OperationalError, match=REFUSED):
            psycopg.connect(dsn("shop", port)).close()


def test_evict_ends_the_sessions_of_the_platform_and_of_nobody_else(port: int, admin: Admin) -> None:
    with contextlib.ExitStack() as stack:
        pooled = [stack.enter_context(contextlib.closing(psycopg.connect(dsn("shop", port)))) for _ in range(4)]
        other = stack.enter_context(contextlib.closing(psycopg.connect(dsn("watcher", port), autocommit=True)))
        stack.enter_context(fault_on(slots_of(port), leave=0, lease="5s", evict=True))
        until(lambda: sessions(admin, "shop") == 0)
        for connection in pooled:
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        assert other.execute("select 1").fetchone() == (1,)


def holder(port: int, lease: str) -> AbstractContextManager[tuple[subprocess.Popen[bytes], list[Undo]]]:
    """Another process that has taken the slots, and its undo record."""
    return holding("database", [("slot-exhaustion", {"leave": 1, "lease": lease})], port=port)


def test_a_killed_holder_leaves_nothing_behind(port: int, admin: Admin) -> None:
    with holder(port, "30s") as (process, _):
        assert sessions(admin, "gameday_exhaust") > MOST / 2
        process.kill()
        until(lambda: sessions(admin, "gameday_exhaust") == 0, within_s=10)


def test_the_server_itself_ends_the_sessions_of_a_holder_that_stands_still(port: int, admin: Admin) -> None:
    with holder(port, "2s") as (process, _):
        pause = threading.Event()
        pause.wait(3.0)
        assert sessions(admin, "gameday_exhaust") > MOST / 2, "they were renewed beyond their lease"
        process.send_signal(signal.SIGSTOP)
        until(lambda: sessions(admin, "gameday_exhaust") == 0, within_s=20)


def test_any_process_heals_from_the_undo_record_and_the_environment(
    port: int, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holder(port, "60s") as (process, [undo]):
        assert "postgresql" not in undo.model_dump_json(), "the record names the secret by its reference only"
        process.send_signal(signal.SIGSTOP)
        monkeypatch.delenv("EXHAUST_DATABASE_URL", raising=False)
        with pytest.raises(NotHealed, match=r"EXHAUST_DATABASE_URL is not set.* 60 s after") as told:
            heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
        assert told.value.mend.startswith("export EXHAUST_DATABASE_URL")
        overdue = undo.model_copy(update={"over_at": "2020-01-01T00:00:00+00:00"})
        assert heal(overdue, deadline=Deadline.after(5), allow=LOOPBACK).rung == "lease"
        monkeypatch.setenv("EXHAUST_DATABASE_URL", dsn("gameday_exhaust", port))
        assert heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "terminated"
        # the healing's own session is of that role too, and goes when it has closed it
        until(lambda: sessions(admin, "gameday_exhaust") == 0)


def test_the_documented_role_has_nothing_against_it_and_dangerous_ones_are_refused(port: int) -> None:
    assert against(look(slots_of(port)), params_of(evict=True)) == ()
    for role, key, said in (
        (SUPERUSER, "allow_superuser", "is a superuser"),
        ("boundless", "allow_unlimited", "no connection limit"),
        ("repl", "allow_replication", "REPLICATION"),
        ("chosen", "allow_reserved", "pg_use_reserved_connections"),
    ):
        facts = look(slots_of(port, exhaust=role))
        [objection] = against(facts, params_of())
        assert objection.refusal
        assert said in objection.what
        assert f"{key}: true" in objection.mend
        assert against(facts, params_of(**{key: True})) == ()


def test_what_could_not_work_is_said_before_anything_is_taken(port: int) -> None:
    def said(slots: ServerSlots, **keys: object) -> str:
        return "; ".join(o.what for o in against(look(slots), params_of(**keys)))

    assert "may hold 4 sessions" in said(slots_of(port, exhaust="small"))
    assert "may not end other roles' sessions" in said(slots_of(port, exhaust="small"), evict=True)
    assert "both shop" in said(slots_of(port, exhaust="shop", platform="shop"), allow_unlimited=True)
    assert "reserved slots are open to it" in said(slots_of(port, platform=SUPERUSER))
    assert "nothing to exhaust" in said(slots_of(port), leave=100)
    plan = FaultPlan("f1", "no slots", "slot-exhaustion", "main", params_of(), 0.0, 5.0, "database")
    with pytest.raises(Refused, match="superuser"):
        SlotExhaustion(plan, slots_of(port, exhaust=SUPERUSER), "run").prepare()
    with pytest.raises(ReachFailed, match='role "nobody_knows" does not exist'):
        SlotExhaustion(plan, slots_of(port, exhaust="nobody_knows"), "run").prepare()
