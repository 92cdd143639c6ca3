"""PostgreSQL's sessions: how many, in which state, waiting for what, blocked by whom, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import psycopg
from psycopg.rows import TupleRow

from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import CrashSeen
from harness.monitor.session_log import Session, SessionLog
from harness.reach.allow_list import AllowList
from harness.reach.foreign_clock import ForeignTime
from harness.reach.postgres import connect, query

APPLICATION_NAME = "gameday-monitor"
# the instruments' own sessions (monitor, probes, preflight) are not the platform's: they are not counted
_OURS = "^gameday(-|$)"
TIMEOUT_S = 2.0
QUERY_CHARACTERS = 200
_QUERY_ID_SINCE = 140000
WAIT_TYPES = ("lock", "lwlock", "io", "ipc", "client")

# A session of another role that we may not look into has no backend_type; a database tells it from the server's own
# processes. pg_blocking_pids takes the lock manager's lock: only those who wait for a lock are asked.
_SESSIONS = """
/* gameday */ select a.pid, coalesce(a.application_name, ''), coalesce(a.usename, ''), coalesce(a.state, ''),
       extract(epoch from clock_timestamp() - a.state_change)::float8,
       coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''),
       extract(epoch from clock_timestamp() - a.xact_start)::float8,
       extract(epoch from clock_timestamp() - a.query_start)::float8,
       case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) else '{}' end,
       coalesce(left(a.query, %s), ''), a.backend_type is null, coalesce(a.query_id::text, '')
from pg_stat_activity a
where a.pid <> pg_backend_pid() and coalesce(a.application_name, '') !~ %s
  and (a.backend_type = 'client backend' or (a.backend_type is null and a.datid is not null))
"""
# reserved_connections came with PostgreSQL 16
_LIMITS = """
select current_setting('max_connections')::int,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0),
       extract(epoch from pg_postmaster_start_time())::float8
"""
_TIME = "/* gameday */ select extract(epoch from clock_timestamp())::float8"
_SAME_START_S = 1.0


class PostgresSource:
    """Readings of a database's server, all databases of the server together, gameday's own sessions left out.

    connections, active, idle, idle_in_transaction, waiting (active and waiting for something else than the client),
    blocked (by another session's lock), wait_lock, wait_lwlock, wait_io, wait_ipc, wait_client and wait_none (active
    sessions by what they wait for), longest_transaction_s, longest_query_s, max_connections, reserved, and hidden
    (sessions that our role may not look into: they count in connections only; pg_monitor would show them).
    """

    def __init__(
        self,
        name: str,
        dsn: str,
        allow: AllowList,
        *,
        clock: Clock | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`name` is the source of the readings, "database.main". `clock` is the run's: it labels what `detail` says."""
        self.name = name
        self._dsn = dsn
        self._allow = allow
        self._timeout_s = timeout_s
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._limits: dict[str, float] = {}
        self._started_s: float | None = None
        self._crashes: list[CrashSeen] = []
        self._log = SessionLog(clock or Clock.start())

    def read(self) -> dict[str, float]:
        """The values now. Raises ReachFailed within about twice `timeout_s`; the next read connects again."""
        try:
            connection = self._connected()
            sessions = read_sessions(connection, self._timeout_s)
        except ReachFailed:
            self.close()
            raise
        self._log.add(sessions)
        return {**counts(sessions), **self._limits}

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        """Restarts of the server since the last call."""
        crashes, self._crashes = tuple(self._crashes), []
        return crashes

    def time(self) -> ForeignTime:
        """What the server's clock says. Raises ReachFailed."""
        [(epoch_s,)] = query(self._connected(), _TIME, timeout_s=self._timeout_s)
        return ForeignTime(epoch_s)

    def detail(self) -> str:
        """Every session in the last 30 s, as JSON lines; from any thread. Query texts are not redacted here."""
        return self._log.text()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(
                self._dsn, allow=self._allow, timeout_s=self._timeout_s, application_name=APPLICATION_NAME
            )
            [(max_connections, reserved, started_s)] = query(self._connection, _LIMITS, timeout_s=self._timeout_s)
            self._note_start(started_s)
            self._limits = {"max_connections": float(max_connections), "reserved": float(reserved)}
        return self._connection

    def _note_start(self, started_s: float) -> None:
        """`started_s`: when the server was started, as it says, in seconds since 1970. A restart ends our session, so
        it is enough to ask at the begin of each."""
        before, self._started_s = self._started_s, started_s
        if before is not None and abs(started_s - before) > _SAME_START_S:
            text = f"{self.name}: the server was started anew, {abs(started_s - before):.0f} s after the one before"
            self._crashes.append(CrashSeen(source=self.name, what="restarted", text=text))


def read_sessions(connection: psycopg.Connection[TupleRow], timeout_s: float) -> list[Session]:
    """All client sessions but gameday's own, now. Raises ReachFailed."""
    knows_ids = connection.info.server_version >= _QUERY_ID_SINCE
    sql = _SESSIONS if knows_ids else _SESSIONS.replace("coalesce(a.query_id::text, '')", "''")
    rows = query(connection, sql, (QUERY_CHARACTERS, _OURS), timeout_s=timeout_s)
    return [_session(row) for row in rows]


def _session(row: TupleRow) -> Session:
    (pid, application, role, state, state_age, wait_type, wait, transaction_age, query_age, blockers, text, hidden,
     query_id) = row  # fmt: skip
    return Session(
        pid=pid,
        application_name=application,
        role=role,
        state=state,
        state_age_s=_age(state_age),
        wait_event_type=wait_type,
        wait_event=wait,
        transaction_age_s=_age(transaction_age),
        query_age_s=_age(query_age),
        blocked_by=tuple(dict.fromkeys(blockers)),
        query=text,
        hidden=hidden,
        query_id=query_id,
    )


def _age(seconds: float | None) -> float | None:
    return None if seconds is None else max(0.0, round(seconds, 3))


def counts(sessions: Sequence[Session]) -> dict[str, float]:
    """The readings that one look at the sessions gives."""
    active = [s for s in sessions if s.active]
    waits = Counter(s.wait_event_type.lower() or "none" for s in active)
    return {
        "connections": float(len(sessions)),
        "active": float(len(active)),
        "idle": float(sum(s.state == "idle" for s in sessions)),
        "idle_in_transaction": float(sum(s.idle_in_transaction for s in sessions)),
        "waiting": float(sum(s.waiting for s in sessions)),
        "blocked": float(sum(bool(s.blocked_by) for s in sessions)),
        "longest_transaction_s": _longest(s.transaction_age_s for s in sessions),
        "longest_query_s": _longest(s.query_age_s for s in active),
        "hidden": float(sum(s.hidden for s in sessions)),
        **{f"wait_{kind}": float(waits[kind]) for kind in dict.fromkeys((*WAIT_TYPES, "none", *waits))},
    }


def _longest(ages: Iterable[float | None]) -> float:
    return max((age for age in ages if age is not None), default=0.0)
