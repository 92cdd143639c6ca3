"""What a database did over a stretch of the run, beside the requests of the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.analysis.span import Span
from harness.analysis.stretch import in_stretch
from harness.analysis.tally import tally
from harness.evidence.work import texts
from harness.journal.histogram import middle_ms
from harness.journal.reader import JournalView
from harness.journal.record import DatabaseDescribed, DatabaseWork, Window
from harness.journal.request_glob import ALL
from harness.journal.work import StatementWork, TableShape, TableWork


@dataclass(frozen=True, slots=True)
class Statement:
    """The sum over a stretch. `query` is normalised and cut."""

    id: str
    query: str
    calls: int = 0
    total_ms: float = 0.0
    rows: int = 0
    blocks: int = 0
    temp_blocks: int = 0

    @property
    def mean_ms(self) -> float:
        return self.total_ms / max(self.calls, 1)

    @property
    def blocks_per_call(self) -> float:
        return self.blocks / max(self.calls, 1)

    @property
    def temp_per_call(self) -> float:
        return self.temp_blocks / max(self.calls, 1)

    @property
    def rows_per_call(self) -> float:
        return self.rows / max(self.calls, 1)

    def plus(self, work: StatementWork) -> Statement:
        return Statement(
            self.id,
            self.query,
            self.calls + work.calls,
            self.total_ms + work.total_ms,
            self.rows + work.rows,
            self.blocks + work.blocks,
            self.temp_blocks + work.temp_blocks,
        )


@dataclass(frozen=True, slots=True)
class Work:
    """A database over [`span`]: what the records cover, which is not exactly what was asked for. `waited_ms`: the sum
    of what the requests of that time took. `records` are the journal's own."""

    source: str
    span: Span
    requests: int
    waited_ms: float
    statements: tuple[Statement, ...]  # by time, the most first
    tables: Mapping[str, TableWork] = field(default_factory=dict)
    deadlocks: int = 0
    records: tuple[DatabaseWork, ...] = ()

    @property
    def total_ms(self) -> float:
        """The time that all statements took."""
        return sum(s.total_ms for s in self.statements)

    def per_request(self, statement: Statement) -> float:
        """How often a request runs it, on average over all requests."""
        return statement.calls / max(self.requests, 1)

    def share_of_waiting(self, statements: Iterable[Statement]) -> float:
        """The part of the requests' time that these statements took, 0..1."""
        return min(1.0, sum(s.total_ms for s in statements) / self.waited_ms) if self.waited_ms > 0 else 0.0

    def find(self, statement_id: str) -> Statement | None:
        return next((s for s in self.statements if s.id == statement_id), None)


def work_in(view: JournalView, source: str, span: Span) -> Work | None:
    """What `source` ("database.main") did in about `span`; None where it was not read."""
    records = in_stretch((w for w in view.of(DatabaseWork) if w.source == source), span)
    if not records:
        return None
    said = texts(view, source)
    statements: dict[str, Statement] = {}
    for part in (s for record in records for s in record.statements):
        known = statements.get(part.id) or Statement(part.id, said.get(part.id, ""))
        statements[part.id] = known.plus(part)
    covered = Span(min(r.start for r in records), max(r.end for r in records))
    seen = tally(ALL, covered.windows(view.of(Window)))
    return Work(
        source=source,
        span=covered,
        requests=seen.requests,
        waited_ms=sum(middle_ms(bucket) * n for bucket, n in seen.histogram.items()),
        statements=tuple(sorted(statements.values(), key=lambda s: -s.total_ms)),
        tables=_tables(records),
        deadlocks=sum(r.deadlocks for r in records),
        records=records,
    )


def shapes(view: JournalView, source: str) -> tuple[TableShape, ...]:
    """The tables of a database as they were found; none where it was not described."""
    described = (d for d in view.of(DatabaseDescribed) if d.source == source)
    return next((d.tables for d in described), ())


def setting(view: JournalView, source: str, name: str) -> str:
    """A setting's value, "" where it is not known."""
    found = (s for d in view.of(DatabaseDescribed) if d.source == source for s in d.settings if s.name == name)
    return next((s.value for s in found if not s.value.startswith("unknown")), "")


def _tables(records: Iterable[DatabaseWork]) -> dict[str, TableWork]:
    tables: dict[str, TableWork] = {}
    for table in (t for record in records for t in record.tables):
        last = tables.get(table.name)
        tables[table.name] = table if last is None else _sum(last, table)
    return tables


def _sum(last: TableWork, now: TableWork) -> TableWork:
    return now.model_copy(
        update={
            "sequential_scans": last.sequential_scans + now.sequential_scans,
            "sequential_rows": last.sequential_rows + now.sequential_rows,
            "index_scans": last.index_scans + now.index_scans,
            "changed_rows": last.changed_rows + now.changed_rows,
        }
    )
