"""One small statement is called many times for each request (N+1): the round trips are the time.

Signature: calls of one cheap statement divided by the requests of the same time. A count, so that neither a slow wire
nor a busy machine changes it. Work that was the same in a sound baseline explains no trouble by itself; then an
injected latency does, and the round trips are what it exposed.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.database_advice import is_question
from harness.analysis.database_work import Statement, Work, shapes, work_in
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.lock_account import lock_account
from harness.analysis.slow_queries import is_heavy
from harness.analysis.span import FaultSpan
from harness.analysis.statement_shape import bare, looks_by, reads_from
from harness.analysis.stretch import sound_before, trouble_stretch
from harness.analysis.work_piece import row_piece
from harness.evidence.work import STATEMENTS
from harness.journal.record import EvidencePiece, FindingNamed
from harness.journal.work import TableShape

CAUSE = "unoptimised-queries"
_MANY, _VERY_MANY, _REQUESTS = 8.0, 20.0, 10
_SLOWING = ("latency", "bandwidth", "slicer")


@dataclass(frozen=True, slots=True)
class Signs:
    """`per_request` calls of `first`, the statement that is called most; `before`: in a sound baseline. `busy`: the
    part of the requests' time that the server worked at it."""

    work: Work
    first: Statement
    per_request: float
    before: float | None
    busy: float
    locked: float
    table: TableShape | None
    fault: FaultSpan | None

    @property
    def as_before(self) -> bool:
        return self.before is not None and self.per_request < 1.5 * self.before


def calls_too_often(case: Case) -> bool:
    """One cheap statement runs many times a request in the trouble."""
    return bool(_signs(case))


def examine(case: Case) -> FindingNamed | None:
    """Names the statement and how often a request runs it."""
    if not case.suffers:
        return None
    signs = max(_signs(case), key=lambda s: s.per_request, default=None)
    if signs is None:
        return None
    confidence = _confidence(signs)
    if confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [_piece(case, signs), case.window_piece(case.failure_text())],
        summary=_summary(signs),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _signs(case: Case) -> list[Signs]:
    return [s for name, proxy in case.databases.items() if (s := _weigh(case, f"database.{name}", proxy)) is not None]


def _weigh(case: Case, source: str, proxy: str) -> Signs | None:
    work = work_in(case.view, source, trouble_stretch(case))
    if work is None or work.requests < _REQUESTS:
        return None
    cheap = [s for s in work.statements if is_question(s.query) and not is_heavy(s)]
    first = max(cheap, key=lambda s: s.calls, default=None)
    if first is None or work.per_request(first) < _MANY:
        return None
    sound = sound_before(case)
    earlier = work_in(case.view, source, sound) if sound is not None else None
    before = earlier.find(first.id) if earlier is not None else None
    locks = lock_account(case)
    return Signs(
        work=work,
        first=first,
        per_request=work.per_request(first),
        before=earlier.per_request(before) if earlier is not None and before is not None else None,
        busy=work.share_of_waiting([first]),
        locked=locks.part if locks is not None else 0.0,
        table=reads_from(first.query, shapes(case.view, source), work.tables),
        fault=case.fault_on(_SLOWING, [proxy]) if proxy else None,
    )


def _confidence(signs: Signs) -> float:
    confidence = 0.62 + 0.15 * (signs.per_request >= _VERY_MANY)
    confidence += 0.1 * (signs.busy < 0.3)
    confidence += 0.05 * (signs.first.rows_per_call <= 2)
    confidence += 0.05 * (signs.before is not None and not signs.as_before)
    if signs.as_before:
        confidence *= 0.6 if signs.fault is not None else 0.3
    confidence *= 0.5 if signs.locked > 0.2 else 1.0
    return min(0.97, confidence)


def _piece(case: Case, signs: Signs) -> EvidencePiece | None:
    first = signs.first
    record = max(signs.work.records, key=lambda r: max((s.calls for s in r.statements if s.id == first.id), default=0))
    before = f", {signs.before:.3g} in the baseline" if signs.before is not None else ""
    text = (
        f"{signs.work.source}: {first.calls} calls in the time of {signs.work.requests} requests "
        f"({signs.per_request:.3g} a request{before}), {first.mean_ms:.2g} ms and {first.rows_per_call:.2g} rows a "
        f"call: {first.query}"
    )
    return row_piece(case, record, (signs.work.source, STATEMENTS), lambda row: row.get("id") == first.id, text)


def _summary(signs: Signs) -> str:
    first = signs.first
    query = first.query if len(first.query) <= 160 else first.query[:159] + "…"
    text = (
        f"A request runs one statement {signs.per_request:.0f} times on average over all requests: {first.calls} calls "
        f"for {signs.work.requests} requests, {first.mean_ms:.2g} ms each on the server, so that the round trips are "
        f"the time: {query}"
    )
    if signs.fault is None:
        return text
    return (
        f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on {signs.fault.proxy}) explains this: each '
        f"round trip takes longer. What it exposed: {text}"
    )


def _recommendation(signs: Signs) -> str:
    columns = looks_by(signs.first.query, signs.table) if signs.table is not None else ()
    if signs.table is not None and columns:
        name, column = bare(signs.table.name), columns[0]
        once = (
            f"Ask once for all: `... from {name} where {column} = any($1)` with the list, or a join in the statement "
            f"that finds the list"
        )
    else:
        once = "Ask once for all: a join in the statement that finds the list, or `= any($1)` with the list"
    return (
        f"{once} (select_related, prefetch_related, joinedload or include in the common mappers), so that "
        f"{signs.per_request:.0f} calls a request become one or two; answer listings and profiles from the cache for "
        f"some seconds. A service level on calls a request keeps it so. Then play the same again."
    )
