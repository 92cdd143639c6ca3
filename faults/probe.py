"""What measures the wire: one round trip through the data path that the platform uses, never longer than asked."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.rows import TupleRow

from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.reach import http, postgres
from harness.reach import redis as redis_door
from harness.reach.allow_list import AllowList

APPLICATION_NAME = "gameday-probe"
Stream = Literal["upstream", "downstream"]
"""Toxiproxy's words: upstream is towards the server (requests), downstream towards the client (answers)."""
_CLOSED_AT_ONCE_S = 0.05
_TLS_ROUND_TRIPS = 3
_LARGE_REQUEST = "SELECT length(%s::text)"
_LARGE_ANSWER = "SELECT repeat('x', %s::int)"
_GUESS = " This probably means"  # libpq's, of what made a server close a connection
_MOST_HEADER_BYTES = 4000  # what every server takes in one header


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. Not ok: `error` says why, and `elapsed_ms` how long that took; `refused`: nobody listens;
    `silent`: no answer, and nothing that ended the connection either. `bytes`: how many it carried, where asked."""

    ok: bool
    elapsed_ms: float
    error: str = ""
    refused: bool = False
    silent: bool = False
    bytes: int = 0


class Probe(Protocol):
    """`what` reads aloud. `round_trips`: of how many at most one measurement consists; 0: it only connects, and
    sees neither delays nor silence. `keeps_connection`: one is used until it fails or `renew` is called."""

    @property
    def what(self) -> str: ...

    @property
    def round_trips(self) -> int: ...

    @property
    def keeps_connection(self) -> bool: ...

    def measure(self, timeout_s: float) -> Sample:
        """One sample, at the latest after `timeout_s`; silence until then is a sample too. Never raises for what
        the wire does."""

    def carry(self, stream: Stream, amount_bytes: int, timeout_s: float) -> Sample:
        """One sample whose request (upstream) or answer (downstream) has about `amount_bytes`, or as many as this
        probe can: its `bytes` say so."""

    def renew(self) -> None:
        """Measure over a new connection from now on."""

    def close(self) -> None: ...


class PostgresProbe:
    """SELECT 1 over a connection that is kept, opened anew after a failure; opening it isn't in `elapsed_ms`."""

    round_trips = 1
    keeps_connection = True

    def __init__(self, dsn: str, *, allow: AllowList, via: tuple[str, int]) -> None:
        self.what = f"SELECT 1 through {_address(via)}"
        self._dsn, self._allow, self._via = dsn, allow, via
        self._connection: psycopg.Connection[TupleRow] | None = None

    def measure(self, timeout_s: float) -> Sample:
        return self._sample("SELECT 1", None, timeout_s)

    def carry(self, stream: Stream, amount_bytes: int, timeout_s: float) -> Sample:
        if stream == "upstream":
            sample = self._sample(_LARGE_REQUEST, ["x" * amount_bytes], timeout_s)
        else:
            sample = self._sample(_LARGE_ANSWER, [amount_bytes], timeout_s)
        return replace(sample, bytes=amount_bytes)

    def _sample(self, sql: str, params: list[object] | None, timeout_s: float) -> Sample:
        deadline = Deadline.after(timeout_s)
        sample = timed(lambda: self._open(timeout_s), timeout_s)
        if sample.ok:
            sample = timed(lambda: self._ask(sql, params, deadline), timeout_s)
        if not sample.ok:
            self.renew()
        return sample

    def renew(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self.renew()

    def _open(self, timeout_s: float) -> None:
        if self._connection is None:
            self._connection = postgres.connect(
                self._dsn, allow=self._allow, via=self._via, timeout_s=timeout_s, application_name=APPLICATION_NAME
            )

    def _ask(self, sql: str, params: list[object] | None, deadline: Deadline) -> None:
        assert self._connection is not None
        postgres.query(self._connection, sql, params, timeout_s=max(deadline.left_s(), 0.001))


class RedisProbe:
    """PING over a connection that is kept, opened anew after a failure; opening it isn't in `elapsed_ms`."""

    round_trips = 1
    keeps_connection = True

    def __init__(self, url: str, *, allow: AllowList, via: tuple[str, int]) -> None:
        self.what = f"PING through {_address(via)}"
        self._url, self._allow, self._via = url, allow, via
        self._client: redis.Redis | None = None
        self._timeout_s = 0.0

    def measure(self, timeout_s: float) -> Sample:
        return self._sample(redis_door.ping_ms, timeout_s)

    def carry(self, stream: Stream, amount_bytes: int, timeout_s: float) -> Sample:  # noqa: ARG002 - ECHO goes both ways
        sample = self._sample(lambda client: redis_door.echo(client, "x" * amount_bytes), timeout_s)
        return replace(sample, bytes=amount_bytes)

    def _sample(self, ask: Callable[[redis.Redis], object], timeout_s: float) -> Sample:
        if self._client is not None and timeout_s != self._timeout_s:
            self.renew()  # the client's own timeout ends a PING: it is set when it connects
        sample = timed(lambda: self._open(timeout_s), timeout_s)
        if sample.ok:
            sample = timed(lambda: self._ask(ask), timeout_s)
        if not sample.ok:
            self.renew()
        return sample

    def renew(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            redis_door.close(client)

    def close(self) -> None:
        self.renew()

    def _open(self, timeout_s: float) -> None:
        if self._client is None:
            self._timeout_s = timeout_s
            self._client = redis_door.connect(self._url, allow=self._allow, via=self._via, timeout_s=timeout_s)

    def _ask(self, ask: Callable[[redis.Redis], object]) -> None:
        assert self._client is not None
        ask(self._client)


class HttpProbe:
    """One GET over a new connection; any answer is one, whatever its status."""

    keeps_connection = False

    def __init__(self, url: str, *, allow: AllowList, via: tuple[str, int]) -> None:
        self.what = f"GET {urlsplit(url).path or '/'} through {_address(via)}"
        self.round_trips = _TLS_ROUND_TRIPS if urlsplit(url).scheme == "https" else 1
        self._url, self._allow, self._via = url, allow, via

    def measure(self, timeout_s: float) -> Sample:
        return self.carry("downstream", 0, timeout_s)

    def carry(self, stream: Stream, amount_bytes: int, timeout_s: float) -> Sample:
        """A request grows by a header, up to 4 kB; an answer is as large as the path's."""
        padding = min(amount_bytes, _MOST_HEADER_BYTES) if stream == "upstream" else 0
        answers: list[http.HttpAnswer] = []

        def get() -> None:
            answers.append(
                http.probe(self._url, allow=self._allow, timeout_s=timeout_s, via=self._via, headers=_padded(padding))
            )

        sample = timed(get, timeout_s)
        received = answers[0].received_bytes if answers else 0
        return replace(sample, bytes=padding if stream == "upstream" else received)

    def renew(self) -> None:
        """Every sample has a connection of its own."""

    def close(self) -> None:
        """Nothing is held open."""


class TcpProbe:
    """Connect, and see that the connection isn't closed at once (a proxy whose upstream is dead does that)."""

    round_trips = 0
    keeps_connection = False

    def __init__(self, address: tuple[str, int], *, allow: AllowList) -> None:
        self.what = f"a connection to {_address(address)}"
        self._address, self._allow = address, allow

    def measure(self, timeout_s: float) -> Sample:
        return timed(lambda: self._connect(timeout_s), timeout_s)

    def carry(self, stream: Stream, amount_bytes: int, timeout_s: float) -> Sample:  # noqa: ARG002 - it carries none
        return self.measure(timeout_s)

    def renew(self) -> None:
        """Every sample has a connection of its own."""

    def close(self) -> None:
        """Nothing is held open."""

    def _connect(self, timeout_s: float) -> None:
        where = _address(self._address)
        try:
            address = (self._allow.resolve(*self._address), self._address[1])
            with socket.create_connection(address, timeout=timeout_s) as link:
                if _closed_at_once(link):
                    raise ReachFailed("the connection was closed at once", where=where)
        except ConnectionRefusedError as error:
            raise _RefusedThere("connection refused", where=where) from error
        except TimeoutError as error:
            raise ReachTimeout("no answer", where=where) from error
        except OSError as error:
            raise ReachFailed(error.strerror or str(error), where=where) from error


class _RefusedThere(ReachFailed):
    """Nobody listens at the address."""


def _padded(padding_bytes: int) -> dict[str, str]:
    return {"X-Gameday-Padding": "x" * padding_bytes} if padding_bytes else {}


def _closed_at_once(link: socket.socket) -> bool:
    link.settimeout(_CLOSED_AT_ONCE_S)
    try:
        return not link.recv(1)
    except TimeoutError:
        return False


def timed(call: Callable[[], object], timeout_s: float) -> Sample:
    begun = boot_s()
    try:
        call()
    except ReachTimeout:
        return Sample(ok=False, elapsed_ms=_since_ms(begun), error=f"no answer within {timeout_s:.3g} s", silent=True)
    except ReachFailed as error:
        refused = isinstance(error, _RefusedThere) or "refused" in error.what
        return Sample(ok=False, elapsed_ms=_since_ms(begun), error=error.what.partition(_GUESS)[0], refused=refused)
    return Sample(ok=True, elapsed_ms=_since_ms(begun))


def _since_ms(begun: float) -> float:
    return (boot_s() - begun) * 1000


def _address(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"
