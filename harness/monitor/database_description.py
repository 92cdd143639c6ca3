"""A database as it is found: the settings that decide how it copes, and its largest tables with their indexes."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from harness.journal.record import DatabaseDescribed
from harness.journal.work import Setting, TableShape
from harness.reach.postgres import query

# chosen by hand: others can hold secrets, and a role with pg_monitor sees them all
SETTINGS = (
    "autovacuum", "autovacuum_analyze_scale_factor", "autovacuum_max_workers", "autovacuum_vacuum_scale_factor",
    "checkpoint_timeout", "compute_query_id", "deadlock_timeout", "default_statistics_target", "effective_cache_size",
    "effective_io_concurrency", "enable_indexscan", "enable_seqscan", "fsync", "full_page_writes",
    "idle_in_transaction_session_timeout", "idle_session_timeout", "jit", "lock_timeout", "log_lock_waits",
    "log_min_duration_statement", "log_temp_files", "maintenance_work_mem", "max_connections", "max_parallel_workers",
    "max_parallel_workers_per_gather", "max_wal_size", "pg_stat_statements.max", "pg_stat_statements.track",
    "random_page_cost", "reserved_connections", "seq_page_cost", "shared_buffers", "shared_preload_libraries",
    "statement_timeout", "superuser_reserved_connections", "synchronous_commit", "tcp_keepalives_idle",
    "track_activities", "track_counts", "track_io_timing", "transaction_timeout", "work_mem",
)  # fmt: skip
# our own session's timeouts are ours: what others begin with can't be read from here
_SETTINGS = """
/* gameday */ select name, case when source = 'client' then 'unknown: a session of ours has its own'
                    when unit is null or reset_val in ('0', '-1') then reset_val
                    when unit = '8kB' then (reset_val::bigint * 8)::text || 'kB' else reset_val || unit end,
       source
from pg_settings where name = any(%s) order by name
"""
_TABLES = """
/* gameday */ select n.nspname || '.' || c.relname, greatest(c.reltuples, 0)::bigint,
       array(select a.attname::text from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum limit 60),
       array(select (select string_agg(coalesce(a.attname::text, '(expression)'), ',' order by k.place)
                     from unnest(i.indkey::int2[]) with ordinality k(number, place)
                     left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number and k.number > 0)
             from pg_index i where i.indrelid = c.oid and i.indisvalid order by 1 limit 30)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by c.relpages desc, 1 limit 100
"""


def describe(connection: psycopg.Connection[TupleRow], source: str, timeout_s: float) -> DatabaseDescribed:
    """Three reads of the catalogue; no table is touched, so no lock on one can hold us up. Raises ReachFailed."""
    [(version,)] = query(connection, "/* gameday */ show server_version", timeout_s=timeout_s)
    settings = [
        Setting(name=name, value=value, source=where)
        for name, value, where in query(connection, _SETTINGS, (list(SETTINGS),), timeout_s=timeout_s)
    ]
    tables = [
        TableShape(
            name=name, rows=rows, columns=tuple(columns), indexes=tuple(tuple(index.split(",")) for index in indexes)
        )
        for name, rows, columns, indexes in query(connection, _TABLES, timeout_s=timeout_s)
    ]
    return DatabaseDescribed(source=source, version=version, settings=tuple(settings), tables=tuple(tables))
