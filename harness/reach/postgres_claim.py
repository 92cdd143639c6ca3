"""A claim held by a database: an advisory lock of a session whose lease the server itself keeps."""

from __future__ import annotations

import hashlib

import psycopg
from psycopg.rows import TupleRow

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach import postgres
from harness.reach.allow_list import AllowList
from harness.reach.claim import PACE, Claim, Pace, read_claim
from harness.reach.wait import Wait

NAME = "gameday-claim"
_KEY = int.from_bytes(hashlib.sha256(b"gameday: one game day at a time").digest()[:8], "big", signed=True)
_HIGH, _LOW = (_KEY >> 32) & 0xFFFFFFFF, _KEY & 0xFFFFFFFF
_GOING_S = 3.0
_AGAIN_S = 0.1
_LONGEST_NAME = 63  # PostgreSQL cuts off what is longer
_KEEPALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "4"}
_UNKNOWN_SETTING = 'unrecognized configuration parameter "idle_session_timeout"'
# the holder's last statement says all of it to its own role and to pg_monitor; its application_name tells everybody
_HOLDER = """
/* gameday */ select coalesce(a.application_name, ''), coalesce(a.query, '')
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.classid = %s::oid and l.objid = %s::oid
  and l.database = (select oid from pg_database where datname = current_database())
"""


class PostgresClaim:
    """One claim, held by a session of its own until `release`. Not for several threads at once."""

    def __init__(self, dsn: str, allow: AllowList, claim: Claim, *, timeout_s: float, pace: Pace = PACE) -> None:
        self._dsn = dsn
        self._allow = allow
        self._claim = claim
        self._timeout_s = timeout_s
        self._lease_s = pace.lease_s
        self._connection: psycopg.Connection[TupleRow] | None = None

    def take(self, wait: Wait) -> Claim | None:
        """None once it is ours, else who holds it. Raises ReachFailed."""
        connection = self._open()
        kept = False
        try:
            [row] = postgres.query(connection, "select pg_backend_pid()", timeout_s=self._timeout_s)
            if row[0] != connection.info.backend_pid:
                raise ReachFailed("a pooler answers: it has no sessions that could hold a claim",
                                  mend="write the server's own address into dsn")  # fmt: skip
            other = self._try(connection, wait)
            if other is None:
                self._connection, kept = connection, True
            # a session that we have lost, and the server not yet
            return None if other is None or other.text == self._claim.text else other
        finally:
            if not kept:
                connection.close()

    def _try(self, connection: psycopg.Connection[TupleRow], wait: Wait) -> Claim | None:
        """None once the lock is had. One that is held by nobody any more is just being let go."""
        sql, patience = f"select pg_try_advisory_lock({_KEY}) /* {self._claim.text} */", Deadline.after(_GOING_S)
        while True:
            [row] = postgres.query(connection, sql, timeout_s=self._timeout_s)
            if row[0]:
                return None
            other = _holder(connection, self._timeout_s)
            if other is not None or patience.passed or not wait(_AGAIN_S):
                return other or Claim("")

    def renew(self) -> Claim | None:
        """None while it is ours, else who holds it now; one that the server has let go is taken again. Raises
        ReachFailed: it may be ours or nobody's then."""
        connection = self._connection
        if connection is None or connection.closed:
            return self.take(lambda _: False)
        try:
            postgres.query(connection, f"select 1 /* {self._claim.text} */", timeout_s=self._timeout_s)
        except ReachFailed:
            self.release()
            return self.take(lambda _: False)
        return None

    def release(self) -> None:
        """The server lets go with the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> psycopg.Connection[TupleRow]:
        """A session whose lease the server keeps; before PostgreSQL 14, its keepalives do."""
        lease = {"idle_session_timeout": f"{round(self._lease_s * 1000)}", **_KEEPALIVE}
        try:
            return self._connect(lease)
        except ReachFailed as error:
            if _UNKNOWN_SETTING not in error.what:
                raise
        return self._connect(_KEEPALIVE)

    def _connect(self, settings: dict[str, str]) -> psycopg.Connection[TupleRow]:
        name = f"{NAME} {self._claim.run} {self._claim.by}"[:_LONGEST_NAME]
        return postgres.connect(
            self._dsn, allow=self._allow, timeout_s=self._timeout_s, application_name=name, settings=settings
        )


def holder(dsn: str, allow: AllowList, *, timeout_s: float) -> Claim | None:
    """Who holds the claim of a database; None: nobody. Raises ReachFailed."""
    connection = postgres.connect(dsn, allow=allow, timeout_s=timeout_s, application_name="gameday-look")
    try:
        return _holder(connection, timeout_s)
    finally:
        connection.close()


def _holder(connection: psycopg.Connection[TupleRow], timeout_s: float) -> Claim | None:
    rows = postgres.query(connection, _HOLDER, (_HIGH, _LOW), timeout_s=timeout_s)
    if not rows:
        return None
    name, query = rows[0]
    told = read_claim(query)
    if told.run:
        return told
    _, run, by = (*str(name).split(" ", 2), "", "")[:3]
    return Claim(run, by)
