"""PostgreSQL's cumulative counters at one moment: statements, tables, the database as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import TupleRow

from harness.reach.postgres import query

MARK = "/* gameday */"  # in our own statements: where the platform shares our role, it tells them from the platform's
_TABLES = """
/* gameday */ select schemaname || '.' || relname, coalesce(seq_scan, 0), coalesce(seq_tup_read, 0),
       coalesce(idx_scan, 0), n_tup_ins + n_tup_upd + n_tup_del, n_live_tup, n_dead_tup, n_mod_since_analyze
from pg_stat_user_tables order by coalesce(seq_tup_read, 0) desc limit 1000
"""
_DATABASE = """
/* gameday */ select xact_commit, xact_rollback, deadlocks, temp_bytes,
       coalesce(extract(epoch from stats_reset), 0)::float8
from pg_stat_database where datname = current_database()
"""
# where the extension is in this database, and what its view offers here: it is as old as the last ALTER EXTENSION
_EXTENSION = """
/* gameday */ select quote_ident(n.nspname), array(select attname::text from pg_attribute
                           where attrelid = to_regclass(quote_ident(n.nspname) || '.pg_stat_statements')),
       to_regclass(quote_ident(n.nspname) || '.pg_stat_statements_info') is not null,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
       exists (select from pg_stat_activity where usename = current_user
               and pid <> pg_backend_pid() and coalesce(application_name, '') !~ '^gameday(-|$)')
from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements'
"""


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """Since the statement was first seen, or since somebody set its counters back (`since`, epoch seconds)."""

    calls: int
    total_ms: float
    rows: int
    blocks: int
    blocks_read: int
    temp_blocks: int
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class TableTotals:
    sequential_scans: int
    sequential_rows: int
    index_scans: int
    changed_rows: int
    live: int
    dead: int
    modified: int


@dataclass(frozen=True, slots=True)
class DatabaseCounters:
    """All of them at `t`, seconds since the start of the run. `since` and `statements_since`: when somebody set them
    back, epoch seconds."""

    t: float
    transactions: int
    rollbacks: int
    deadlocks: int
    temp_bytes: int
    since: float = 0.0
    statements_since: float = 0.0
    statements: Mapping[str, StatementTotals] = field(default_factory=dict)
    tables: Mapping[str, TableTotals] = field(default_factory=dict)


class StatementsView:
    """`pg_stat_statements` as this server and this role offer it. `missing` says why there is nothing, or not all."""

    def __init__(self, connection: psycopg.Connection[TupleRow], timeout_s: float) -> None:
        """Raises ReachFailed."""
        self.missing = ""
        self._select = ""
        self._texts = ""
        found = query(connection, _EXTENSION, timeout_s=timeout_s)
        if not found:
            self.missing = (
                "the extension is not in this database: shared_preload_libraries = 'pg_stat_statements' in "
                "postgresql.conf, a restart, then in this database: create extension pg_stat_statements"
            )
            return
        schema, columns, has_info, may_read, shared = found[0]
        if not may_read:
            self.missing = "our role may not read the statements of others: grant pg_monitor to it"
        self._select = _select(schema, columns, has_info=has_info, shared=shared)
        self._texts = (
            f"{MARK} select queryid::text, left(query, 2000) from {schema}.pg_stat_statements "  # noqa: S608 - see below
            f"where queryid::text = any(%s) and dbid = (select oid from pg_database where datname = current_database())"
        )

    @property
    def there(self) -> bool:
        return bool(self._select)

    def give_up(self, reason: str) -> None:
        """It is there and can't be read: the library is not loaded, say."""
        self.missing = f"{reason} (is pg_stat_statements in shared_preload_libraries?)"
        self._select = ""

    def read(
        self, connection: psycopg.Connection[TupleRow], timeout_s: float
    ) -> tuple[dict[str, StatementTotals], float]:
        """By id, and when all were set back (epoch seconds, 0.0: not known). Raises ReachFailed."""
        rows = query(connection, self._select, timeout_s=timeout_s)
        return {row[0]: StatementTotals(*row[1:8]) for row in rows}, max((row[8] for row in rows), default=0.0)

    def texts(self, connection: psycopg.Connection[TupleRow], ids: Iterable[str], timeout_s: float) -> dict[str, str]:
        """What the statements say. Raises ReachFailed."""
        return dict(query(connection, self._texts, (list(ids),), timeout_s=timeout_s))


def _select(schema: str, columns: Iterable[str], *, has_info: bool, shared: bool) -> str:
    """The totals by statement. PostgreSQL 13 renamed the times, 14 told nested statements apart, 17 dates entries."""
    names = set(columns)
    total = "total_exec_time" if "total_exec_time" in names else "total_time"
    outer = "and toplevel" if "toplevel" in names else ""
    since = "coalesce(extract(epoch from max(stats_since)), 0)::float8" if "stats_since" in names else "0::float8"
    info = f"(select extract(epoch from stats_reset) from {schema}.pg_stat_statements_info)"  # noqa: S608 - see below
    reset = info if has_info else "0"
    others = "" if shared else "and userid <> (select oid from pg_roles where rolname = current_user)"
    return f"""{MARK} select queryid::text, sum(calls)::bigint, sum({total})::float8, sum(rows)::bigint,
       sum(shared_blks_hit + shared_blks_read)::bigint, sum(shared_blks_read)::bigint,
       sum(temp_blks_read + temp_blks_written)::bigint, {since}, coalesce({reset}, 0)::float8
from {schema}.pg_stat_statements(false)
where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null {outer} {others}
group by queryid"""  # noqa: S608 - names from the server's own catalogue, quoted by it


def read_counters(
    connection: psycopg.Connection[TupleRow], statements: StatementsView, t: float, timeout_s: float
) -> DatabaseCounters:
    """The counters now; the statements last, so that they are as fresh as can be. Raises ReachFailed."""
    [database] = query(connection, _DATABASE, timeout_s=timeout_s)
    tables = {row[0]: TableTotals(*row[1:]) for row in query(connection, _TABLES, timeout_s=timeout_s)}
    found, since = statements.read(connection, timeout_s) if statements.there else ({}, 0.0)
    return DatabaseCounters(
        t=t,
        transactions=database[0],
        rollbacks=database[1],
        deadlocks=database[2],
        temp_bytes=database[3],
        since=database[4],
        statements_since=since,
        statements=found,
        tables=tables,
    )
