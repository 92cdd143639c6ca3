"""What databases and caches did, as tables: statements, tables, lock waits and settings, a file for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.evidence.bundle import Bundle
from harness.journal.reader import JournalView
from harness.journal.record import CacheWork, DatabaseDescribed, DatabaseWork, LockWaits

STATEMENTS, TABLES, LOCKS, SETTINGS = "statements", "tables", "lock waits", "settings"
CACHE = "work of the cache"
STATEMENTS_HEADER = ("start_s", "end_s", "id", "calls", "total_ms", "mean_ms", "rows", "blocks", "blocks_read",
                     "temp_blocks", "statement")  # fmt: skip
TABLES_HEADER = ("start_s", "end_s", "table", "sequential_scans", "sequential_rows", "index_scans", "changed_rows",
                 "live", "dead", "modified_since_analyze")  # fmt: skip
LOCKS_HEADER = ("start_s", "end_s", "looks", "looks_with_blocked", "blocked", "most_blocked", "waits_for", "wanted",
                "root_pid", "root_application", "root_role", "root_state", "root_state_age_s",
                "root_transaction_age_s", "root_holds", "root_statement", "blocked_statements", "waits")  # fmt: skip
_CACHE_FIELDS = ("hits", "misses", "evicted", "expired", "commands", "errors", "refused_writes",
                 "rejected_connections", "keys", "used_memory_bytes", "max_memory_bytes", "policy",
                 "slow_commands")  # fmt: skip
_Rows = Iterable[Sequence[object]]


def add_work(bundle: Bundle, view: JournalView) -> None:
    """A folder of tables for each database and cache that the journal tells of.

    Times are seconds since the start of the run, a row is of one interval. Raises JournalFailed.
    """
    work, locks, described = view.of(DatabaseWork), view.of(LockWaits), view.of(DatabaseDescribed)
    for source in sorted({w.source for w in work} | {w.source for w in locks} | {d.source for d in described}):
        mine = [w for w in work if w.source == source]
        waits = [w for w in locks if w.source == source and w.blocked_samples]
        tables: dict[str, tuple[Sequence[str], _Rows]] = {
            STATEMENTS: (STATEMENTS_HEADER, _statements(mine, texts(view, source))),
            TABLES: (TABLES_HEADER, _tables(mine)),
            LOCKS: (LOCKS_HEADER, _locks(waits)),
            SETTINGS: (("name", "value", "source"), _settings(d for d in described if d.source == source)),
        }
        for what, (header, rows) in tables.items():
            bundle.add_text(source, what, f"{what.replace(' ', '-')}.csv", _table(header, rows))
    for source in sorted({w.source for w in view.of(CacheWork)}):
        done = (w for w in view.of(CacheWork) if w.source == source)
        rows = ((w.start, w.end, *(getattr(w, name) for name in _CACHE_FIELDS)) for w in done)
        bundle.add_text(source, CACHE, "work.csv", _table(("start_s", "end_s", *_CACHE_FIELDS), rows))


def texts(view: JournalView, source: str) -> dict[str, str]:
    """The statements of a database by their id: a run's journal has the words of each once."""
    done = (work for work in view.of(DatabaseWork) if work.source == source)
    return {s.id: s.query for work in done for s in work.statements if s.query}


def _statements(work: Iterable[DatabaseWork], said: Mapping[str, str]) -> Iterator[Sequence[object]]:
    for w in work:
        for s in w.statements:
            yield (w.start, w.end, s.id, s.calls, s.total_ms, round(s.total_ms / s.calls, 3), s.rows, s.blocks,
                   s.blocks_read, s.temp_blocks, said.get(s.id, ""))  # fmt: skip


def _tables(work: Iterable[DatabaseWork]) -> Iterator[Sequence[object]]:
    for w in work:
        for t in w.tables:
            yield (w.start, w.end, t.name, t.sequential_scans, t.sequential_rows, t.index_scans, t.changed_rows,
                   t.live, t.dead, t.modified)  # fmt: skip


def _locks(waits: Iterable[LockWaits]) -> Iterator[Sequence[object]]:
    for w in waits:
        told = " ".join(f"{name}={number:g}" for name, number in w.waits.items())
        both = (w.start, w.end, w.samples, w.blocked_samples, w.blocked, w.most_blocked, ", ".join(w.relations),
                ", ".join(w.wanted))  # fmt: skip
        for root in w.roots:
            yield (*both, root.pid, root.application_name, root.role, root.state, root.state_age_s,
                   root.transaction_age_s, ", ".join(root.holds), root.statement, " | ".join(w.statements),
                   told)  # fmt: skip


def _settings(described: Iterable[DatabaseDescribed]) -> Iterator[Sequence[object]]:
    for found in described:
        yield "server_version", found.version, ""
        yield from ((s.name, s.value, s.source) for s in found.settings)


def _table(header: Sequence[str], rows: _Rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{v:.3f}" if isinstance(v, float) else "" if v is None else v for v in row] for row in rows)
    return text.getvalue()
