"""The door to PostgreSQL: allow-listed, over TCP, and bounded at both ends even when the link swallows everything."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import psycopg
from psycopg import conninfo, errors
from psycopg.rows import TupleRow

from harness.errors import ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.in_time import in_time

DEFAULT_PORT = 5432
IDLE_IN_TRANSACTION_S = 60
_ONE_HOST = 'write one host and port, such as "postgresql://user@127.0.0.1:5432/name"'


class LockHeld(ReachFailed):
    """The lock that a statement waits for was not had within its lock timeout, or a deadlock was ended. Nothing of the
    statement happened; its transaction has to be rolled back."""


@dataclass(frozen=True, slots=True)
class _Server:
    """What a DSN says: the name that TLS verifies, and where TCP goes."""

    name: str
    host: str
    port: int
    params: dict[str, str]

    @property
    def where(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def connect(
    dsn: str,
    *,
    allow: AllowList,
    via: tuple[str, int] | None = None,
    timeout_s: float,
    application_name: str,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> psycopg.Connection[TupleRow]:
    """An autocommit connection to the server of `dsn` (a URL or "key=value ..."), within `timeout_s` seconds.

    `via` is where TCP goes instead (a proxy), while TLS still verifies the DSN's host. `timeout_s` becomes the
    session's statement timeout too; `settings` are more of the session's own (one that this server doesn't know makes
    it refuse). Raises ReachFailed or ReachTimeout with host:port, NotAllowed for an address outside the list.
    """
    server = _server(dsn, via)
    secret = server.params.get("password", "")
    with _mapped(server.where, secret):
        return in_time(
            lambda: _open(server, allow, timeout_s, application_name, settings),
            timeout_s=timeout_s,
            where=server.where,
            late=lambda connection: connection.close(),
        )


def query(
    connection: psycopg.Connection[TupleRow], sql: str, params: Sequence[object] | None = None, *, timeout_s: float
) -> list[TupleRow]:
    """The rows of `sql` (none for a statement without rows), within `timeout_s` even on a link that swallows all.

    After the deadline the connection is cut off and useless; the server ends the statement by its own statement
    timeout. Without `params`, "%" stands for itself. Raises ReachFailed, LockHeld or ReachTimeout.
    """
    where = _where(connection)
    with _cut_off_after(connection, timeout_s) as cut, _mapped(where, ""):
        try:
            # bytes: this SQL comes from a runbook or from a constant, never from a value; values are `params`
            cursor = connection.execute(sql.encode(), params or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if cut.is_set():
                raise ReachTimeout(f"the query had no answer within {timeout_s:g} s", where=where) from error
            raise


def _open(
    server: _Server, allow: AllowList, timeout_s: float, application_name: str, settings: Mapping[str, str]
) -> psycopg.Connection[TupleRow]:
    address = allow.resolve(server.host, server.port)
    milliseconds = max(1, math.ceil(timeout_s * 1000))
    session = f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_S}s"
    session += "".join(f" -c {name}={value}" for name, value in settings.items())
    params = server.params | {
        "host": server.name,
        "hostaddr": address,
        "port": str(server.port),
        "connect_timeout": str(max(2, math.ceil(timeout_s))),
        "tcp_user_timeout": str(milliseconds),
        "application_name": application_name,
        # a database in SQL_ASCII would answer with bytes
        "client_encoding": server.params.get("client_encoding", "utf8"),
        "options": f"{server.params.get('options', '')} {session}".strip(),
        "gssencmode": server.params.get("gssencmode", "disable"),
    }
    return psycopg.connect("", autocommit=True, prepare_threshold=None, **params)  # type: ignore[arg-type]


def _server(dsn: str, via: tuple[str, int] | None) -> _Server:
    try:
        params = {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items() if value is not None}
    except psycopg.Error:
        # libpq's message repeats parts of the DSN, the password perhaps: it must not travel on
        raise ReachFailed("the DSN can't be read", mend=_ONE_HOST) from None
    name, address = params.get("host", ""), params.get("hostaddr", "")
    if name.startswith(("/", "@")) or not (name or address):
        raise ReachFailed("the DSN leads to a unix socket, and a fault can only sit on TCP", mend=_ONE_HOST)
    if "," in name + address + params.get("port", ""):
        raise ReachFailed("the DSN names several servers", mend=_ONE_HOST)
    port = params.get("port", str(DEFAULT_PORT))
    if not port.isdigit():
        raise ReachFailed("the DSN's port is no number", mend=_ONE_HOST)
    host, number = via or (address or name, int(port))
    return _Server(name=name or address, host=host, port=number, params=params)


def _where(connection: psycopg.Connection[TupleRow]) -> str:
    if connection.closed:
        return "a closed connection"
    host = connection.info.hostaddr
    return f"[{host}]:{connection.info.port}" if ":" in host else f"{host}:{connection.info.port}"


@contextlib.contextmanager
def _cut_off_after(connection: psycopg.Connection[TupleRow], timeout_s: float) -> Iterator[threading.Event]:
    """Shuts the connection's socket down after `timeout_s`, from the side: the waiting call wakes at once."""
    cut = threading.Event()
    try:
        # a descriptor of its own, so that a late timer never hits a socket opened since
        link = socket.socket(fileno=os.dup(connection.fileno()))
    except psycopg.OperationalError as error:
        raise ReachFailed("the connection is closed", where=_where(connection)) from error

    def cut_off() -> None:
        cut.set()
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(timeout_s, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()
        timer.join()
        link.close()
        if cut.is_set():
            connection.close()


@contextlib.contextmanager
def _mapped(where: str, secret: str) -> Iterator[None]:
    try:
        yield
    except errors.QueryCanceled as error:
        raise ReachTimeout("the server cancelled the query by its statement timeout", where=where) from error
    except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
        raise LockHeld("somebody else holds the lock", where=where) from error
    except errors.ConnectionTimeout as error:
        raise ReachTimeout("no answer within the connect timeout", where=where) from error
    except psycopg.Error as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise ReachFailed(
            text.replace(secret, "[redacted]") if secret else text, where=where, mend=_mend(text)
        ) from None
    except (ValueError, ArithmeticError) as error:
        # a database in SQL_ASCII holds any bytes, and a pooler answers what it likes
        raise ReachFailed(f"the answer can't be read: {type(error).__name__}", where=where) from None


def _mend(text: str) -> str:
    for sign, mend in (
        ("password authentication failed", "check user and password in the DSN's environment variable"),
        ("no password supplied", "put the password into the DSN's environment variable"),
        ("too many clients", "the server is at max_connections: free a connection"),
        ("remaining connection slots", "the server is at max_connections: free a connection"),
        ("does not exist", "check the names in the DSN or the query"),
        ("Connection refused", "is PostgreSQL running, and listening on this address?"),
        ("certificate", "check sslmode and sslrootcert in the DSN"),
    ):
        if sign in text:
            return mend
    return ""
