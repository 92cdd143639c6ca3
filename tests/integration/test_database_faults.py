"""Locks, idle transactions and slow queries on a real PostgreSQL: the platform feels them, and all is given back."""

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

from faults import lock_contention
from faults.catalog import KINDS, build
from faults.fault import Fault, FaultGone, FaultPlan
from faults.healing import heal
from faults.observation import Observation
from faults.server_slots import ServerSlots
from faults.session_facts import look_for
from faults.session_objections import against
from faults.session_params import SessionParams
from faults.undo import Undo
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed, Refused
from harness.reach.allow_list import AllowList

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
LOOPBACK = AllowList(["127.0.0.0/8"])
NOTHING_SEEN = Observation(0.0, 10.0)
Session = psycopg.Connection[tuple[object, ...]]


def documented_sql(test: str) -> str:
    """What docs/targets.md tells people to play on their server."""
    text = (ROOT / "docs" / "targets.md").read_text()
    [block] = re.findall(rf"<!-- played by tests/integration/{test}.py -->\n```sql\n(.*?)```", text, re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with a shop's table, a watcher, the shop's role, and the exhausting role as documented."""
    with postgres_server({"max_connections": "40"}) as port:
        with psycopg.connect(dsn(SUPERUSER, port), autocommit=True) as admin:
            admin.execute("create role shop login; create role watcher login; grant pg_monitor to watcher")
            admin.execute("create table orders (id integer primary key, total integer not null default 0, note text)")
            admin.execute("insert into orders select n, n, repeat('x', 200) from generate_series(1, 2000) n")
            admin.execute("grant select, insert, update, delete on orders to shop")
            admin.execute(documented_sql("test_slot_exhaustion").encode())
            admin.execute(documented_sql("test_database_faults").encode())
            admin.execute("create role stranger login connection limit 10; create view few as select * from orders")
            admin.execute("grant select on few to shop; create table hidden (id integer); create role blind login")
            admin.execute("create table carts as select * from orders; grant update on carts to shop")
            admin.execute("grant maintain on carts to gameday_exhaust")
            admin.execute("create database elsewhere")
        yield port


def slots_of(port: int, *, exhaust: str = "gameday_exhaust", watch: str = "watcher", into: str = "") -> ServerSlots:
    return ServerSlots(
        "main",
        watch_dsn=dsn(watch, port),
        exhaust_dsn=dsn(exhaust, port) if not into else dsn(exhaust, port).replace("/postgres", f"/{into}"),
        platform_dsn=dsn("shop", port),
        reference="${EXHAUST_DATABASE_URL}",
        folder=Path("/"),
        allow=LOOPBACK,
    )


def made(slots: ServerSlots, kind: str, for_s: float = 30.0, **keys: object) -> Fault:
    params = KINDS[kind].params.model_validate(keys)
    plan = FaultPlan("f1", "a fault", kind, "main", params, 0.0, for_s, "database")
    return build(plan, slots, f"20250101-000000-a-runbook-with-quite-a-long-name-{kind}")


@contextlib.contextmanager
def fault_on(port: int, kind: str, for_s: float = 30.0, **keys: object) -> Iterator[Fault]:
    fault = made(slots_of(port), kind, for_s, **keys)
    fault.prepare()
    try:
        fault.inject()
        yield fault
    finally:
        fault.heal(Deadline.after(10))


def ours(admin: Session) -> int:
    """The sessions that are faults."""
    query = "select count(*)::int from pg_stat_activity where application_name like 'gameday-fault-%'"
    row = admin.execute(query.encode()).fetchone()
    assert row is not None
    return int(str(row[0]))


@pytest.fixture
def admin(port: int) -> Iterator[Session]:
    with psycopg.connect(dsn(SUPERUSER, port), autocommit=True) as connection:
        until(lambda: ours(connection) == 0)  # those of the last test are listed for a moment after their end
        yield connection


@pytest.fixture
def shop(port: int) -> Iterator[Session]:
    """The platform, with the patience of a tenth of a second."""
    with psycopg.connect(dsn("shop", port), autocommit=True, options="-c lock_timeout=100") as connection:
        yield connection


@contextlib.contextmanager
def waiting_update(port: int, row: int) -> Iterator[threading.Event]:
    """A patient session of the platform that changes a row; the event tells when it has."""
    done = threading.Event()

    def change() -> None:
        with psycopg.connect(dsn("shop", port), autocommit=True) as connection:
            connection.execute("update orders set total = total + 1 where id = %s", (row,))
            done.set()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield done
    finally:
        thread.join(20)


def waits(session: Session, sql: str) -> bool:
    try:
        session.execute(sql.encode())
    except psycopg.errors.LockNotAvailable:
        return True
    return False


WRITE, READ = "update orders set total = 0 where id = 7", "select total from orders where id = 7"


@pytest.mark.parametrize(("blocks", "readers_wait"), [("writes", False), ("everything", True)])
def test_a_locked_table_holds_the_platform_up_and_is_given_back(
    port: int, admin: Session, shop: Session, blocks: str, readers_wait: bool
) -> None:
    with fault_on(port, "lock-contention", table="orders", blocks=blocks) as fault:
        assert (waits(shop, WRITE), waits(shop, READ)) == (True, readers_wait)
        proof = fault.prove_wire()
        assert proof.effective
        assert "the role shop could not" in proof.measured.text
        assert fault.present()
        with waiting_update(port, 7) as done:
            until(lambda: fault.prove_platform(NOTHING_SEEN, NOTHING_SEEN).effective is True)
            felt = fault.prove_platform(NOTHING_SEEN, NOTHING_SEEN).measured
            assert felt.values["sessions_waiting"] == 1
            begun = boot_s()
            fault.heal(Deadline.after(10))
            assert done.wait(10)
            assert boot_s() - begun < 9
    assert fault.measure_healed(Deadline.after(5)).effective
    assert (waits(shop, WRITE), waits(shop, READ)) == (False, False)
    until(lambda: ours(admin) == 0)
    assert fault.heal(Deadline.after(10)).rung == "closed", "healing again changes nothing"
    with pytest.raises(FaultGone):
        fault.present()


@pytest.mark.parametrize(
    ("rows", "number"), [("id in (7, 8, '9')", 3), ("1", 1), ("1%", 20), ("100%", 2000), ("note = 'none'", 0)]
)
def test_locked_rows_hold_up_who_changes_them_and_nobody_else(port: int, shop: Session, rows: str, number: int) -> None:
    if not number:
        with pytest.raises(ReachFailed, match=r"no row of public\.orders"):
            made(slots_of(port), "lock-contention", table="orders", rows=rows).prepare()
        return
    with fault_on(port, "lock-contention", table="public.orders", rows=rows) as fault:
        proof = fault.prove_wire()
        assert (proof.effective, proof.measured.values["rows_locked"]) == (True, number)
        assert not waits(shop, READ)
        free = shop.execute("select count(*) from (select 1 from orders for update skip locked) q").fetchone()
        assert free == (2000 - number,)
        if rows.startswith("id"):
            assert (waits(shop, WRITE), waits(shop, WRITE.replace("7", "6"))) == (True, False)
    assert fault.measure_healed(Deadline.after(5)).effective


def test_a_lock_that_can_not_be_had_is_given_up_and_holds_nobody_up_meanwhile(
    port: int, admin: Session, shop: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_contention, "TAKE_S", 3.0)
    fault = made(slots_of(port), "lock-contention", table="orders", blocks="everything")
    fault.prepare()
    failed: list[str] = []

    def inject() -> None:
        try:
            fault.inject()
        except ReachFailed as error:
            failed.append(str(error))

    with psycopg.connect(dsn("shop", port), application_name="a long report") as report:
        report.execute("select count(*) from orders")  # and its transaction goes on
        shop.execute("set lock_timeout = '5s'")
        thread = threading.Thread(target=inject)
        thread.start()
        slowest_s, reads = 0.0, 0
        while thread.is_alive():
            begun = boot_s()
            shop.execute(READ.encode())
            slowest_s, reads = max(slowest_s, boot_s() - begun), reads + 1
        thread.join()
    assert reads > 10
    assert slowest_s < 2, "a reader stood in the queue behind a lock that nobody could have"
    assert re.search(r"could not be had in time: pid \d+ \(a long report\) holds AccessShareLock", failed[0])
    fault.heal(Deadline.after(5))
    until(lambda: ours(admin) == 0)


def test_idle_transactions_keep_a_snapshot_that_vacuum_has_to_spare(port: int, admin: Session, shop: Session) -> None:
    with fault_on(port, "idle-in-transaction", sessions=4) as fault:
        proof = fault.prove_wire()
        assert (proof.effective, proof.measured.values["sessions"]) == (True, 4)
        assert fault.prove_platform(NOTHING_SEEN, NOTHING_SEEN).effective is False, "the platform changes nothing"
        for row in range(10):
            assert not waits(shop, f"update orders set total = 1 where id = {100 + row}")
        felt = fault.prove_platform(NOTHING_SEEN, NOTHING_SEEN)
        assert felt.effective
        assert felt.measured.values["horizon_transactions"] >= 10
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gameday_exhaust' limit 1"
        )
        with pytest.raises(FaultGone, match="1 of its 4 sessions are gone"):
            until(lambda: not fault.present())
    assert fault.measure_healed(Deadline.after(5)).effective
    until(lambda: ours(admin) == 0)


def test_idle_transactions_share_the_rows_that_they_lock(port: int, shop: Session) -> None:
    with fault_on(port, "idle-in-transaction", sessions=3, table="orders", rows="id in (1, 2, 3, 4, 5)") as fault:
        proof = fault.prove_wire()
        assert proof.effective, proof.measured.text
        assert (proof.measured.values["sessions"], proof.measured.values["rows_locked"]) == (3, 5)
        for row in range(1, 6):
            assert waits(shop, f"update orders set total = 0 where id = {row}")
        with waiting_update(port, 3):
            until(lambda: fault.prove_platform(NOTHING_SEEN, NOTHING_SEEN).effective is True)
            fault.heal(Deadline.after(10))


@pytest.mark.parametrize("keys", [{}, {"work": "sort", "table": "orders"}], ids=["numbers", "the platform's rows"])
def test_slow_queries_make_the_platform_s_own_slower_and_end(port: int, admin: Session, keys: dict[str, str]) -> None:
    with fault_on(port, "slow-queries", sessions=12, **keys) as fault:
        assert fault.present()
        until(lambda: fault.prove_wire().effective is True)
        values = fault.prove_wire().measured.values
        assert values["statements"] > 0
    until(lambda: ours(admin) == 0)
    assert fault.measure_healed(Deadline.after(10)).effective is not False


HELD: dict[str, dict[str, object]] = {
    "lock-contention": {"table": "carts", "blocks": "everything"},
    "idle-in-transaction": {"sessions": 3, "table": "orders", "rows": 6},
    "slow-queries": {"sessions": 2},
}
SESSIONS = 1 + 3 + 2


def holder(port: int, lease: str) -> AbstractContextManager[tuple[subprocess.Popen[bytes], list[Undo]]]:
    """Another process whose sessions are faults, one of each kind, and their undo records."""
    return holding("database", [(kind, {**keys, "lease": lease}) for kind, keys in HELD.items()], port=port)


def test_a_killed_holder_leaves_nothing_behind(port: int, admin: Session) -> None:
    with holder(port, "30s") as (process, _):
        assert ours(admin) == SESSIONS
        process.kill()
        until(lambda: ours(admin) == 0, within_s=15)  # far sooner than the lease


def test_the_server_itself_ends_the_sessions_of_a_holder_that_stands_still(port: int, admin: Session) -> None:
    with holder(port, "4s") as (process, _):
        pause = threading.Event()
        pause.wait(4.5)
        assert ours(admin) == SESSIONS, "they were renewed beyond their lease"
        process.send_signal(signal.SIGSTOP)
        until(lambda: ours(admin) == 0, within_s=20)


def test_any_process_heals_from_the_undo_record(port: int, admin: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with holder(port, "60s") as (process, undos):
        process.send_signal(signal.SIGSTOP)
        monkeypatch.setenv("EXHAUST_DATABASE_URL", dsn("gameday_exhaust", port))
        for undo in undos:
            assert "postgresql" not in undo.model_dump_json(), "the record names the secret by its reference only"
            assert heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "terminated"
            assert heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "closed"
        until(lambda: ours(admin) == 0)


def test_the_server_bounds_a_transaction_however_often_it_is_renewed(
    port: int, admin: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = made(slots_of(port), "lock-contention", for_s=0.5, table="orders")
    monkeypatch.setattr(lock_contention, "OVERDUE_S", 1.0)
    fault.prepare()
    monkeypatch.setattr(lock_contention, "OVERDUE_S", 600.0)  # what would end it from here
    fault.inject()
    assert ours(admin) == 1
    until(lambda: ours(admin) == 0, within_s=30)
    fault.heal(Deadline.after(5))


def said(slots: ServerSlots, kind: str, **keys: object) -> str:
    params = KINDS[kind].params.model_validate(keys)
    assert isinstance(params, SessionParams)
    found = against(look_for(slots, params.wants), params.wants, params.allowed)
    return "; ".join(f"{o.what} -> {o.mend}" for o in found)


def test_what_could_not_work_or_must_not_be_is_said_before_anything_is_touched(port: int) -> None:
    slots = slots_of(port)
    assert said(slots, "lock-contention", table="orders") == ""
    assert "there is no table ordres in postgres" in said(slots, "lock-contention", table="ordres")
    assert "is no table" in said(slots, "lock-contention", table="few")
    assert "the server's own tables" in said(slots, "lock-contention", table="pg_catalog.pg_class")
    assert "grant maintain on public.hidden" in said(slots, "lock-contention", table="hidden")
    assert "shop never writes public.hidden" in said(slots, "lock-contention", table="hidden")
    assert "grant select, update (id)" in said(slots, "lock-contention", table="hidden", rows=1)
    assert "grant select on public.hidden" in said(slots, "slow-queries", table="hidden")
    assert "38 slots" not in said(slots, "slow-queries")
    assert "slots of the server are free" in said(slots, "slow-queries", sessions=60)
    assert "no row of public.orders" in said(slots, "lock-contention", table="orders", rows="id = 0")
    stranger = slots_of(port, exhaust="stranger")
    assert "may hold 9 sessions" in said(stranger, "idle-in-transaction", sessions=10)
    assert "leads to the database elsewhere" in said(slots_of(port, into="elsewhere"), "slow-queries", table="orders")
    assert "grant pg_monitor" in said(slots_of(port, watch="blind"), "idle-in-transaction")
    superuser = slots_of(port, exhaust=SUPERUSER)
    assert "allow_superuser: true" in said(superuser, "slow-queries")
    assert said(superuser, "slow-queries", allow_superuser=True) == ""
    with pytest.raises(Refused, match="superuser"):
        made(superuser, "lock-contention", table="orders").prepare()
