"""Which stretches of a run are set against each other: the trouble, and a time that was sound before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from harness.analysis.case import Case
from harness.analysis.span import Span
from harness.journal.record import LevelJudged

_ENOUGH_S = 10.0  # a breach comes soon, and what is slow has ended a few times only by then
_LEAST_S, _LEAST_REQUESTS = 3.0, 20
_SOUND_ERRORS = 0.01


class Interval(Protocol):
    """A record about the time from `start` to `end`."""

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


T = TypeVar("T", bound=Interval)


def in_stretch(records: Iterable[T], span: Span) -> tuple[T, ...]:
    """The records that lie in `span` by more than their half; where there is none, the one with most of it."""
    shared = [(min(r.end, span.end) - max(r.start, span.start), r) for r in records]
    inside = tuple(r for share, r in shared if share > 0 and share >= (r.end - r.start) / 2)
    if inside:
        return inside
    most = max(shared, key=lambda s: s[0], default=None)
    return (most[1],) if most is not None and most[0] > 0 else ()


def sound_before(case: Case) -> Span | None:
    """The baseline, where requests fared well in it: what was alike then explains no trouble. None: there was none."""
    span, before, during = case.baseline, case.before, case.during
    if span.end - span.start < _LEAST_S or before.requests < _LEAST_REQUESTS or before.p95_ms is None:
        return None
    judged = [j for j in case.view.of(LevelJudged) if j.phase == "baseline" and j.met is False]
    if judged or (before.error_rate or 0.0) > _SOUND_ERRORS:
        return None
    failing = (during.error_rate or 0.0) > _SOUND_ERRORS
    slower = during.p95_ms is None or during.p95_ms > 2 * before.p95_ms
    return span if case.faults or failing or slower else None


def trouble_stretch(case: Case) -> Span:
    """The trouble; where nothing was injected and no time was sound, up to 10 s that led to it."""
    if case.faults or sound_before(case) is not None:
        return case.trouble
    return Span(max(0.0, min(case.trouble.start, case.trouble.end - _ENOUGH_S)), case.trouble.end)
