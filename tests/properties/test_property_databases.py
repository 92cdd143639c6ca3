"""PostgreSQL and Redis, or a pooler in front of them, answering anything: the doors fail in their own words only, and
healing by them heals or says NotHealed with what to type."""

# ruff: noqa: PT017 - a call may go well or fail, and how it fails is what is looked at

from __future__ import annotations

import contextlib
import math
import socket
import socketserver
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from served import served

from faults import healing
from faults.undo import SessionsUndo
from harness.clock import Clock, Deadline
from harness.errors import NotHealed, ReachFailed
from harness.journal.record import Gap, Readings
from harness.monitor.postgres import PostgresSource
from harness.monitor.redis import RedisSource
from harness.monitor.sampler import Sampler
from harness.reach import postgres, redis
from harness.reach.allow_list import AllowList

LOOPBACK = AllowList(["127.0.0.0/8"])
PASSWORD = "canary-horse-7"
DSN = f"postgresql://app:{PASSWORD}@127.0.0.1:5432/shop"
CLASSES = sorted(
    {found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, psycopg.Error)}
    | {psycopg.InternalError, UnicodeDecodeError, ValueError, OverflowError},
    key=lambda found: found.__name__,
)
MESSAGES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "\n\n", "FATAL:  too many clients", f'invalid password "{PASSWORD}"', "%s {} \x00", "x" * 10_000]
    ),
)


@st.composite
def failures(draw: st.DrawFn) -> Exception:
    kind, text = draw(st.sampled_from(CLASSES)), draw(MESSAGES)
    return UnicodeDecodeError("utf-8", text.encode(), 0, 0, "odd") if kind is UnicodeDecodeError else kind(text)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just(10**400), st.just([1])
)
SESSION = (7, "api", "app", "active", 1.0, "Lock", "relation", 2.0, 1.0, [8], "select 1", False, "42")
ROWS = st.one_of(
    st.just([SESSION]),
    st.just([(100, 3, 1_790_000_000.0)]),
    st.just([]),
    st.lists(st.lists(ODD, max_size=13).map(tuple), max_size=3),
    st.builds(lambda at, odd: [(*SESSION[:at], odd, *SESSION[at + 1 :])], st.integers(0, 12), ODD),
)


class Cursor:
    description = ("a",)

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def fetchall(self) -> Any:
        if isinstance(self._rows, Exception):
            raise self._rows
        return self._rows


@dataclass
class Connection:
    """What psycopg's is, of which each statement is answered with rows or ends in an error."""

    answers: list[Any]
    closed: bool = False
    link: socket.socket = field(default_factory=socket.socket)

    @property
    def info(self) -> Any:
        return type("Info", (), {"hostaddr": "127.0.0.1", "port": 5432, "server_version": 170000})()

    def fileno(self) -> int:
        return self.link.fileno()

    def execute(self, sql: bytes, params: object = None) -> Cursor:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception) and b"count" not in sql:
            raise answer
        return Cursor(answer)

    def close(self) -> None:
        self.closed = True
        self.link.close()


@contextlib.contextmanager
def _served(answers: list[Any], refusal: Exception | None) -> Iterator[None]:
    """Every connect gives such a connection, or ends in `refusal`."""

    def connect(*_: object, **__: object) -> Connection:
        if refusal is not None:
            raise refusal
        made.append(Connection(list(answers)))
        return made[-1]

    made: list[Connection] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg, "connect", connect)
        try:
            yield
        finally:
            for connection in made:
                connection.close()


@given(answers=st.lists(failures() | ROWS, min_size=1, max_size=4), refusal=st.none() | st.none() | failures())
def test_the_door_to_postgresql_fails_in_its_own_words_only(answers: list[Any], refusal: Exception | None) -> None:
    with _served(answers, refusal):
        try:
            connection = postgres.connect(DSN, allow=LOOPBACK, timeout_s=5.0, application_name="test")
            with contextlib.closing(connection):
                for _ in answers:
                    postgres.query(connection, "select 1", timeout_s=5.0)
        except ReachFailed as error:
            assert "\n" not in str(error)
            assert refusal is None or PASSWORD not in str(error)


@given(answers=st.lists(failures() | ROWS, min_size=1, max_size=4), refusal=st.none() | st.none() | failures())
def test_a_reading_of_a_database_is_numbers_or_a_gap(answers: list[Any], refusal: Exception | None) -> None:
    source, told = PostgresSource("database.main", DSN, LOOPBACK, timeout_s=5.0), []
    sampler = Sampler(source, told.append, Clock.start())
    with _served(answers, refusal):
        for _ in range(2):
            sampler._take()
        source.close()
    assert told
    for record in told:
        if isinstance(record, Gap):
            assert "Traceback" not in record.reason
        if isinstance(record, Readings):
            assert all(math.isfinite(value) for value in record.values.values())


@given(answers=st.lists(failures() | ROWS, min_size=1, max_size=3), refusal=st.none() | failures())
def test_sessions_are_ended_or_a_person_hears_what_to_type(answers: list[Any], refusal: Exception | None) -> None:
    undo = SessionsUndo(
        fault_id="f1",
        database="main",
        dsn=("postgresql://exhaust@127.0.0.1:5432/shop",),
        folder="/",
        marker="gameday-fault-r-f1",
        lease_s=3.0,
        over_at="2099-01-01T00:00:00+00:00",
    )
    with _served(answers, refusal):
        try:
            healing.heal(undo, deadline=Deadline.after(0.2), allow=LOOPBACK)
        except NotHealed as error:
            assert error.mend
            assert "\n" not in error.mend


class SpoiltRedis(socketserver.ThreadingTCPServer):
    """Answers each command with what `script` has next, and PONG before that."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Commands)
        self.script: list[bytes] = []
        self.greetings = 0

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.server_address[1]}/0"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has hung up."""


class _Commands(socketserver.BaseRequestHandler):
    server: SpoiltRedis

    def handle(self) -> None:
        self.request.settimeout(5)
        with contextlib.suppress(OSError):
            while data := self.request.recv(65_536):
                for _ in range(max(1, data.count(b"\r\n*") + 1)):
                    self.request.sendall(self._answer(data.upper()))

    def _answer(self, command: bytes) -> bytes:
        if b"INFO" not in command and b"TIME" not in command and self.server.greetings > 0:
            self.server.greetings -= 1
            return b"+PONG\r\n" if b"PING" in command else b"+OK\r\n"
        if not self.server.script:
            self.request.shutdown(socket.SHUT_RDWR)
            return b""
        return self.server.script.pop(0)


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


INFO = (
    b"# Server\r\nredis_version:7.2\r\nrun_id:abc\r\nuptime_in_seconds:5\r\nconnected_clients:3\r\nused_memory:100\r\n"
    b"maxmemory:0\r\nkeyspace_hits:5\r\nkeyspace_misses:1\r\ntotal_commands_processed:9\r\nevicted_keys:0\r\n"
)
SAID = st.one_of(
    st.just(_bulk(INFO)),
    st.builds(
        lambda at, piece: _bulk(INFO[:at] + piece + INFO[at:]),
        st.integers(0, len(INFO)),
        st.binary(max_size=6)
        | st.sampled_from([b":", b"=", b",", b"\r\n", b"\r\n:\r\n", b"nan", b"9" * 400, b"9" * 5000]),
    ),
    st.sampled_from(
        [
            b"-NOAUTH Authentication required.\r\n",
            b"-ERR\r\n",
            b"-\r\n",
            b"-LOADING\r\n",
            b"-MOVED 1 x:1\r\n",
            b"-READONLY x\r\n",
            b"+OK\r\n",
            b":1\r\n",
            b":x\r\n",
            b"$-1\r\n",
            b"$5\r\nab",
            b"$x\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"*1\r\n:5\r\n",
            b"*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
            b"*2\r\n$-1\r\n$-1\r\n",
            b"HTTP/1.1 400\r\n\r\n",
            b"\r\n",
            b"SSH-2.0-x\r\n",
            b"",
            b"$3\r\n\xff\xfe\xfd\r\n",
            b"-\xff\r\n",
            b"%1\r\n+a\r\n+b\r\n",
            b"_\r\n",
            b"*2\r\n$20\r\n99999999999999999999\r\n$4\r\n1e99\r\n",
        ]
    ),
    st.binary(min_size=1, max_size=12).map(lambda raw: raw + b"\r\n"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[SpoiltRedis]:
    with served(SpoiltRedis()) as server:
        yield server


@given(script=st.lists(SAID, min_size=1, max_size=4), greetings=st.sampled_from([0, 9, 9]))
def test_a_reading_of_a_cache_is_numbers_or_a_gap(server: SpoiltRedis, script: list[bytes], greetings: int) -> None:
    server.script, server.greetings = list(script), greetings
    source, told = RedisSource("cache.main", server.url, LOOPBACK, timeout_s=0.3), []
    try:
        for _ in range(2):
            with contextlib.suppress(ReachFailed):
                told.append(source.read())
            with contextlib.suppress(ReachFailed):
                source.time()
    finally:
        source.close()
    assert all(math.isfinite(value) for values in told for value in values.values())


@given(script=st.lists(SAID, min_size=1, max_size=3))
def test_the_door_to_redis_fails_in_its_own_words_only(server: SpoiltRedis, script: list[bytes]) -> None:
    server.script, server.greetings = list(script), 0
    try:
        redis.close(redis.connect(server.url, allow=LOOPBACK, timeout_s=0.3))
    except ReachFailed as error:
        assert PASSWORD not in str(error)
        assert "\n" not in str(error)
