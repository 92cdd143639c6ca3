"""What a PostgreSQL database does, and who waits for whom in it: its counters now and then, its sessions often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psycopg
from psycopg.rows import TupleRow

from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import DatabaseDescribed, DatabaseWork, EvidenceMissing, Record
from harness.monitor.database_counters import MARK, DatabaseCounters, StatementsView, read_counters
from harness.monitor.database_description import describe
from harness.monitor.database_difference import difference
from harness.monitor.lock_log import Lock, LockLog
from harness.monitor.postgres import TIMEOUT_S, read_sessions
from harness.monitor.statement_text import plain_statement
from harness.reach.allow_list import AllowList
from harness.reach.postgres import connect, query

APPLICATION_NAME = "gameday-watch"
_TELL_EVERY_S = 1.0
_LOCKS = """
/* gameday */ select l.pid, l.locktype, l.mode, l.granted,
       case when l.relation is not null and l.database in (0, d.oid)
            then coalesce(n.nspname || '.' || c.relname, 'relation ' || l.relation)
            when l.relation is not null then 'a table of another database'
            when l.locktype = 'advisory' then 'advisory lock ' || l.classid || '/' || l.objid else '' end,
       coalesce(c.relkind::text, '')
from pg_locks l
cross join (select oid from pg_database where datname = current_database()) d
left join pg_class c on c.oid = l.relation and l.database in (0, d.oid)
left join pg_namespace n on n.oid = c.relnamespace
where l.pid = any(%s) limit 1000
"""


class DatabaseWatch:
    """One database. `name` is the source of its readings, "database.main"."""

    beat_s = 0.2

    def __init__(self, name: str, dsn: str, allow: AllowList, *, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self.name = name
        self._dsn = dsn
        self._allow = allow
        self._clock = clock
        self._timeout_s = timeout_s
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._view: StatementsView | None = None
        self._described: DatabaseDescribed | None = None
        self._last: DatabaseCounters | None = None
        self._told: set[str] = set()
        self._ours: set[str] = set()
        self._log = LockLog()
        self._told_s = clock.now_s()

    def glance(self) -> Iterable[Record]:
        """At most once a second: what the looks of that second showed."""
        connection = self._connected()
        try:
            if self._log.add(read_sessions(connection, self._timeout_s)):
                rows = query(connection, _LOCKS, (self._log.pids,), timeout_s=self._timeout_s)
                self._log.detail([Lock(*row) for row in rows])
        except ReachFailed:
            self.close()
            raise
        return self._tell() if self._clock.now_s() - self._told_s >= _TELL_EVERY_S else ()

    def snapshot(self) -> Iterable[Record]:
        """The work since the last one, with the lock waits that are not told yet; the description at first."""
        connection = self._connected()
        try:
            records = list(self._snapshot(connection))
        except ReachFailed:
            self.close()
            raise
        return [*self._tell(), *records]

    def missing(self) -> tuple[EvidenceMissing, ...]:
        reason = self._view.missing if self._view is not None else ""
        return (EvidenceMissing(source=self.name, what="pg_stat_statements", reason=reason),) if reason else ()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(
                self._dsn, allow=self._allow, timeout_s=self._timeout_s, application_name=APPLICATION_NAME
            )
        return self._connection

    def _snapshot(self, connection: psycopg.Connection[TupleRow]) -> Iterator[Record]:
        if self._described is None:
            self._described = describe(connection, self.name, self._timeout_s)
            yield self._described.model_copy(update={"t": self._clock.now_s()})
        if self._view is None:
            self._view = StatementsView(connection, self._timeout_s)
        now = self._counters(connection, self._view)
        last, self._last = self._last, now
        if last is not None:
            yield self._with_texts(connection, self._view, difference(self.name, last, now))

    def _counters(self, connection: psycopg.Connection[TupleRow], view: StatementsView) -> DatabaseCounters:
        now_s = self._clock.now_s()
        try:
            return read_counters(connection, view, now_s, self._timeout_s)
        except ReachFailed as error:
            if connection.closed or not view.there:
                raise
            view.give_up(str(error))
            return read_counters(connection, view, now_s, self._timeout_s)

    def _with_texts(
        self, connection: psycopg.Connection[TupleRow], view: StatementsView, work: DatabaseWork
    ) -> DatabaseWork:
        new = [s.id for s in work.statements if s.id not in self._told]
        raw = view.texts(connection, new, self._timeout_s) if new and view.there else {}
        self._ours |= {key for key, text in raw.items() if MARK in text}
        self._told |= raw.keys()
        statements = tuple(
            s.model_copy(update={"query": plain_statement(raw.get(s.id, ""))})
            for s in work.statements
            if s.id not in self._ours
        )
        return work.model_copy(update={"statements": statements, "t": work.end})

    def _tell(self) -> Iterable[Record]:
        begun_s, self._told_s = self._told_s, self._clock.now_s()
        record = self._log.take(self.name, begun_s, self._told_s)
        return (record.model_copy(update={"t": self._told_s}),) if record is not None else ()
