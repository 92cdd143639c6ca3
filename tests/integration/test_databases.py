"""The door to PostgreSQL and its readings, with a real server."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from eventually import until
from postgres_server import postgres_server
from relay import relay_to

from harness.clock import Clock, boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.journal.record import Gap, Readings, Record
from harness.monitor.postgres import PostgresSource
from harness.monitor.sampler import Sampler
from harness.reach import postgres
from harness.reach.allow_list import AllowList

pytestmark = pytest.mark.integration
LOOPBACK = AllowList(["127.0.0.0/8", "::1/128"])
PASSWORD = "correct-horse/battery@staple"
DSN_PASSWORD = "correct-horse%2Fbattery%40staple"
SETTINGS = {"max_connections": "30", "superuser_reserved_connections": "2", "reserved_connections": "1"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with postgres_server(SETTINGS, password=PASSWORD, encoding="UTF8") as port:
        yield port


def _dsn(port: int) -> str:
    return f"postgresql://admin:{DSN_PASSWORD}@127.0.0.1:{port}/postgres"


@pytest.fixture
def dsn(port: int) -> str:
    return _dsn(port)


def _open(dsn: str, **how: object) -> psycopg.Connection[tuple[object, ...]]:
    settings: dict[str, object] = {"timeout_s": 5.0, "application_name": "test", "allow": LOOPBACK} | how
    return postgres.connect(dsn, **settings)  # type: ignore[arg-type]


class TestTheDoorToPostgreSQL:
    def test_answers_a_query_with_its_session_bounded_on_both_sides(self, dsn: str) -> None:
        with _open(dsn, timeout_s=3.0) as connection:
            assert postgres.query(connection, "select 100 % 7, '%s'", timeout_s=2) == [(2, "%s")]
            assert postgres.query(connection, "select 100 % 7", (), timeout_s=2) == [(2,)]
            assert postgres.query(connection, "select %s::int + 1", (41,), timeout_s=2) == [(42,)]
            assert postgres.query(connection, "set work_mem = '4MB'", timeout_s=2) == []
            names = "statement_timeout", "idle_in_transaction_session_timeout", "application_name"
            rows = [postgres.query(connection, f"show {name}", timeout_s=2)[0][0] for name in names]
            assert rows == ["3s", "1min", "test"]
            assert connection.autocommit

    def test_reads_a_key_value_dsn_as_well(self, port: int) -> None:
        dsn = f"host=localhost port={port} user=admin dbname=postgres password='{PASSWORD}'"
        with _open(dsn) as connection:
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]

    def test_goes_by_way_of_another_address_when_told(self, port: int) -> None:
        nowhere = f"postgresql://admin:{DSN_PASSWORD}@db.invalid:1/postgres"
        with relay_to(port) as relay, _open(nowhere, via=("127.0.0.1", relay.port)) as connection:
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]
            assert connection.info.host == "db.invalid"

    def test_a_listener_that_never_answers_costs_the_deadline_and_no_more(self, silent_port: int) -> None:
        begun = boot_s()
        with pytest.raises(ReachTimeout) as caught:
            _open(_dsn(silent_port), timeout_s=0.5)
        assert boot_s() - begun < 5
        assert caught.value.where == f"127.0.0.1:{silent_port}"

    def test_a_link_that_turns_black_ends_the_query_by_its_deadline(self, port: int) -> None:
        with relay_to(port) as relay:
            connection = _open(_dsn(port), via=("127.0.0.1", relay.port))
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]
            relay.swallow.set()
            begun = boot_s()
            with pytest.raises(ReachTimeout):
                postgres.query(connection, "select 1", timeout_s=0.4)
            assert boot_s() - begun < 5
            assert connection.closed
            with pytest.raises(ReachFailed):
                postgres.query(connection, "select 1", timeout_s=0.4)

    def test_the_server_ends_a_statement_that_the_client_gave_up(self, dsn: str) -> None:
        with _open(dsn) as watcher:
            late = _open(dsn, timeout_s=0.8, application_name="late")
            with pytest.raises(ReachTimeout):
                postgres.query(late, "select pg_sleep(30)", timeout_s=0.2)
            count = "select count(*) from pg_stat_activity where application_name = 'late'"
            until(lambda: postgres.query(watcher, count, timeout_s=2) == [(0,)])

    def test_a_statement_timeout_of_the_server_is_a_timeout(self, dsn: str) -> None:
        with _open(dsn, timeout_s=0.3) as connection:
            with pytest.raises(ReachTimeout):
                postgres.query(connection, "select pg_sleep(5)", timeout_s=5)
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)], "the connection goes on"

    @pytest.mark.parametrize(
        ("wrong", "mend"),
        [
            (lambda dsn: dsn.replace(DSN_PASSWORD, "secret-but-wrong"), "user and password"),
            (lambda dsn: dsn.replace(f":{DSN_PASSWORD}", ""), "password"),
            (
                lambda dsn: dsn.removesuffix("postgres") + "absent",
                "names",
            ),
        ],
    )
    def test_a_refusal_says_where_and_how_to_mend_it_and_never_the_password(
        self, dsn: str, wrong: Callable[[str], str], mend: str
    ) -> None:
        with pytest.raises(ReachFailed) as caught:
            _open(wrong(dsn))
        assert mend in caught.value.mend
        assert caught.value.where.startswith("127.0.0.1:")
        for secret in (PASSWORD, DSN_PASSWORD, "secret-but-wrong"):
            assert secret not in str(caught.value)

    def test_a_bad_query_is_a_failed_reach_and_leaves_the_connection(self, dsn: str) -> None:
        with _open(dsn) as connection:
            with pytest.raises(ReachFailed, match="no_such_table"):
                postgres.query(connection, "select * from no_such_table", timeout_s=2)
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]

    def test_an_address_outside_the_list_is_never_touched(self, dsn: str) -> None:
        with pytest.raises(NotAllowed):
            _open(dsn, allow=AllowList(["10.0.0.0/8"]))


class TestReadingsOfPostgreSQL:
    def test_tell_states_waits_and_blockers_apart(self, dsn: str) -> None:
        source = PostgresSource("database.main", dsn, LOOPBACK)
        expected = {"connections": 3, "active": 1, "idle": 1, "idle_in_transaction": 1, "waiting": 1, "blocked": 1}
        expected |= {"wait_lock": 1, "wait_io": 0, "wait_none": 0, "max_connections": 30, "reserved": 3, "hidden": 0}
        release = threading.Event()
        with _open(dsn) as holder, _open(dsn) as waiter, _open(dsn, application_name="idler"):
            postgres.query(holder, "create table if not exists locked (id int)", timeout_s=2)
            holder.autocommit = False
            holder.execute("lock table locked")
            blocked = threading.Thread(target=self._wait_for_the_lock, args=(waiter, release), daemon=True)
            blocked.start()
            try:
                # the server lists sessions for a moment after their end
                until(lambda: source.read().items() >= expected.items())
                values = source.read()
            finally:
                holder.rollback()
                release.wait(5)
        assert values["longest_transaction_s"] >= values["longest_query_s"] > 0
        rows = [json.loads(line) for line in source.detail().splitlines()]
        source.close()
        [seen] = [row for row in rows[-3:] if row["blocked_by"]]
        assert (seen["wait_event_type"], seen["wait_event"], seen["query"]) == ("Lock", "relation", "table locked")
        [blocker] = [row for row in rows[-3:] if row["pid"] in seen["blocked_by"]]
        assert (blocker["state"], blocker["query"]) == ("idle in transaction", "lock table locked")
        assert release.is_set()

    def _wait_for_the_lock(self, waiter: psycopg.Connection[tuple[object, ...]], release: threading.Event) -> None:
        postgres.query(waiter, "table locked", timeout_s=5)
        release.set()

    def test_sessions_of_others_are_counted_but_marked_where_the_role_may_not_look(self, dsn: str) -> None:
        with _open(dsn) as admin:
            postgres.query(admin, f"create role onlooker login password '{PASSWORD}'", timeout_s=2)
            source = PostgresSource("database.main", dsn.replace("admin", "onlooker"), LOOPBACK)
            until(lambda: source.read().items() >= {"connections": 1, "hidden": 1, "active": 0}.items())
            source.close()
            postgres.query(admin, "drop role onlooker", timeout_s=2)

    def test_the_sessions_of_gamedays_own_instruments_are_not_the_platforms(self, dsn: str) -> None:
        source = PostgresSource("database.main", dsn, LOOPBACK)
        names = ("gameday-probe", "gameday", "gamedayish")
        with contextlib.ExitStack() as open_sessions:
            for name in names:
                open_sessions.enter_context(_open(dsn, application_name=name))
            until(lambda: source.read()["connections"] == 1)
        source.close()

    def test_an_outage_is_a_gap_and_the_readings_come_back_by_themselves(self, port: int) -> None:
        records: list[Record] = []
        with relay_to(port) as relay:
            dsn = _dsn(relay.port)
            sampler = Sampler(
                PostgresSource("database.main", dsn, LOOPBACK, timeout_s=0.3), records.append, Clock.start(), 0.1
            )
            sampler.start()
            until(lambda: any(isinstance(r, Readings) for r in records))
            relay.swallow.set()
            until(lambda: isinstance(records[-1], Gap))
            assert "no answer within 0.3 s" in records[-1].reason  # type: ignore[attr-defined]
            relay.swallow.clear()
            until(lambda: isinstance(records[-1], Readings))
            assert sampler.stop(2)
