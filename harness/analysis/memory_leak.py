"""A process or a container of the platform keeps memory of every request.

Signature: its memory grows steadily under the load, through the second half of it as through the first, in proportion
to the requests. The slope is Theil-Sen's: the median of the slopes of all pairs, which single jumps don't move. What
looks alike: warm-up and caches that fill (the growth flattens), a collector's saw teeth (memory falls again), a server
of data that fills its buffers (not looked at). A heap that is still filling for the first time looks the same in a
short run: the finding says so.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.finding import named
from harness.analysis.machines import in_words, is_data, processes
from harness.analysis.span import Span, phase_span
from harness.journal.record import EvidencePiece, FindingNamed, Readings

CAUSE = "memory-leak"
_LEAST_SAMPLES, _LEAST_S = 8, 7.0
_LONG_S = 60.0
_LEAST_BYTES, _LEAST_SHARE = 16e6, 0.12
_SHORT_BYTES, _SHORT_SHARE = 30e6, 0.25  # in a run that is not long
_LEAST_PER_REQUEST = 2000.0
_STEADY = 0.45  # the second half's slope against the whole's
_MOST_POINTS = 150
_WARM_S = 3.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """Memory of one source over the load: seconds and bytes."""

    source: str
    first: float
    last: float
    slope: float
    length_s: float
    wobble: float  # the typical distance from the line, as a share of the growth
    room: float | None

    @property
    def grown(self) -> float:
        return self.slope * self.length_s


def examine(case: Case) -> FindingNamed | None:
    """Names what grows most."""
    loaded = _loaded(case)
    requests = sum(w.requests for w in loaded.windows(case.windows))
    growths = [g for source in _sources(case) if (g := _growth(case, source, loaded)) is not None]
    worst = max((g for g in growths if _leaks(g, requests)), key=lambda g: g.grown, default=None)
    if worst is None:
        return None
    confidence = 0.6 + 0.15 * (worst.length_s >= _LONG_S) + 0.1 * (worst.wobble <= 0.1)
    confidence += 0.08 * (worst.grown >= 0.5 * worst.first)
    each = worst.grown / max(1, requests)
    return named(
        case,
        CAUSE,
        min(0.95, confidence),
        [_piece(case, worst, loaded, first=True), _piece(case, worst, loaded, first=False), _requests(case, requests)],
        summary=f"{worst.source} grew by {in_words(worst.grown)} in {worst.length_s:.0f} s, steadily to the end: "
        f"{in_words(worst.slope)} a second, {in_words(each)} for each request{_projection(worst)}.",
        recommendation=_recommendation(worst, each),
    )


def _loaded(case: Case) -> Span:
    """The load without its warm-up."""
    windows = [w for w in case.windows if w.requests]
    if not windows:
        return case.trouble
    warm = phase_span(case.view, "warm-up")
    start = max(windows[0].start + _WARM_S, warm.end if warm is not None else 0.0)
    return Span(min(start, windows[-1].end), windows[-1].end)


def _sources(case: Case) -> list[str]:
    watched = [p.source for p in processes(case) if not p.serves_data]
    containers = {r.source for r in case.view.of(Readings) if r.source.startswith("container.")}
    return watched + sorted(c for c in containers if not is_data(c))


def _growth(case: Case, source: str, loaded: Span) -> Growth | None:
    read = [r for r in loaded.readings(case.view.of(Readings)) if r.source == source and "memory_bytes" in r.values]
    points = [(r.t, r.values["memory_bytes"]) for r in read]
    if len(points) < _LEAST_SAMPLES or points[-1][0] - points[0][0] < _LEAST_S:
        return None
    points = points[:: max(1, len(points) // _MOST_POINTS)]
    slope, half = theil_sen(points), points[len(points) // 2 :]
    length_s = points[-1][0] - points[0][0]
    if slope <= 0 or theil_sen(half) < _STEADY * slope or theil_sen(points[: len(half)]) <= 0:
        return None
    level = statistics.median(y - slope * x for x, y in points)
    wobble = statistics.median(abs(y - slope * x - level) for x, y in points) / (slope * length_s)
    return Growth(source, points[0][1], points[-1][1], slope, length_s, wobble, _room(case, source))


def theil_sen(points: Sequence[Point]) -> float:
    """The median of the slopes between all pairs of points (Theil 1950, Sen 1968); 0 for fewer than two."""
    slopes = [(y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1 :] if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


def _leaks(growth: Growth, requests: int) -> bool:
    long = growth.length_s >= _LONG_S
    size, share = (_LEAST_BYTES, _LEAST_SHARE) if long else (_SHORT_BYTES, _SHORT_SHARE)
    enough_grown = growth.grown >= max(size, share * growth.first)
    return enough_grown and requests > 0 and growth.grown / requests >= _LEAST_PER_REQUEST and growth.wobble <= 0.25


def _room(case: Case, source: str) -> float | None:
    """What is left until its limit, in bytes; None: not known."""
    if source.startswith("container."):
        share, used = case.sample_during(source, "memory"), case.sample_during(source, "memory_bytes")
        return used.last / share.last - used.last if share is not None and used is not None and share.last else None
    left = case.sample_during(source.rpartition(".")[0], "memory_available_bytes")
    return left.last if left is not None else None


def _projection(growth: Growth) -> str:
    if growth.room is None:
        return ""
    minutes = growth.room / growth.slope / 60
    when = f"{minutes:.0f} min" if minutes < 180 else f"{minutes / 60:.0f} h" if minutes < 6000 else "days"
    return f"; at this load the {in_words(growth.room)} that are left last for {when}"


def _piece(case: Case, growth: Growth, loaded: Span, *, first: bool) -> EvidencePiece | None:
    read = [
        r for r in loaded.readings(case.view.of(Readings))
        if r.source == growth.source and "memory_bytes" in r.values
    ]  # fmt: skip
    record = read[0 if first else -1]
    said = "at the start of it" if first else "at the end"
    return case.record_piece(record, f"{growth.source}: {in_words(record.values['memory_bytes'])} {said}")


def _requests(case: Case, requests: int) -> EvidencePiece | None:
    return case.window_piece(f"{requests} requests ended meanwhile")


def _recommendation(growth: Growth, each: float) -> str:
    short = (
        ""
        if growth.length_s >= _LONG_S
        else f" {growth.length_s:.0f} s are short, and a heap that fills for the first time looks alike: play the load "
        f"for ten minutes to be sure."
    )
    return (
        f"Look for what {growth.source} keeps: caches and lists without a bound, sessions, connections, what a request "
        f"leaves in a global ({in_words(each)} each). Compare two heap dumps under this load (tracemalloc, memray, a "
        f"heap profiler). Give every cache a size and a time to live, or keep it in Redis with maxmemory and an "
        f"eviction policy; until then let workers be recycled after a number of requests, and set a memory "
        f"limit.{short}"
    )
