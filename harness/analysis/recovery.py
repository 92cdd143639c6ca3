"""How long the platform took, after the last fault was healed, until all service levels held again for good."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.judge import LATENCIES, judge_requests
from harness.analysis.reading_level import judge_reading
from harness.analysis.service_level import ReadingLevel, RequestLevel, ServiceLevel
from harness.analysis.tally import Tally, tally
from harness.journal.record import Readings, Window
from harness.journal.share import interval_90

SLICE_S = 2.0


def time_to_recover_s(
    levels: Sequence[ServiceLevel],
    windows: Sequence[Window],
    readings: Sequence[Readings],
    healed_at: float,
    end: float,
) -> float | None:
    """Seconds from `healed_at` to the earliest moment from which all levels hold until `end`; None: not by then.

    Every slice of 2 s from that moment on must be free of clear misses (one stray error is none), and all that
    came from that moment to the end, taken together, must not miss a level. Crashes and
    invariants are judged elsewhere.
    """
    seen = [w for w in windows if w.start >= healed_at - 1e-6 and w.end <= end + 1e-6]
    requests = [level for level in levels if isinstance(level, RequestLevel)]
    limits = [level for level in levels if isinstance(level, ReadingLevel)]
    tallies = [[tally(level.requests, [w]) for level in requests] for w in seen]
    shortest_s = min(SLICE_S, end - healed_at) - 1e-6
    starts = [i for i, w in enumerate(seen) if end - w.start >= shortest_s]
    first = _first_of_good_run(seen, requests, tallies, starts)
    together = [Tally() for _ in requests]
    best: float | None = None
    for i in range(len(seen) - 1, first - 1, -1):
        together = [whole + part for whole, part in zip(together, tallies[i], strict=True)]
        start = seen[i].start
        if i > starts[-1]:
            continue
        if _all_hold(requests, together) and _readings_hold(limits, readings, start, end):
            best = max(0.0, start - healed_at)
    return best if any(w.requests for w in seen) else None


def _first_of_good_run(
    windows: Sequence[Window],
    levels: Sequence[RequestLevel],
    tallies: Sequence[Sequence[Tally]],
    starts: Sequence[int],
) -> int:
    """The first of the indexes `starts` from which on no slice of 2 s misses a level clearly."""
    first = len(windows)
    for i in reversed(starts):
        until = windows[i].start + SLICE_S + 1e-6
        stop = next((j for j in range(i, len(windows)) if windows[j].end > until), len(windows))
        sums = [sum((tallies[j][k] for j in range(i, stop)), Tally()) for k in range(len(levels))]
        missed = any(_misses_clearly(level, seen) for level, seen in zip(levels, sums, strict=True))
        if missed or _is_idle(windows[i:stop]):
            break
        first = i
    return first


def _is_idle(windows: Sequence[Window]) -> bool:
    """Nothing completed although requests were under way: no sign of life is no recovery."""
    return not any(w.requests for w in windows) and any(w.in_flight for w in windows)


def _misses_clearly(level: RequestLevel, seen: Tally) -> bool:
    if level.error_rate is not None and interval_90(seen.failed, seen.requests).low > level.error_rate:
        return True
    for name, latency in LATENCIES.items():
        limit = getattr(level, name)
        if limit is None or latency.tolerated is None:
            continue
        if interval_90(seen.above(limit), seen.samples).low > latency.tolerated:
            return True
    return False


def _all_hold(levels: Sequence[RequestLevel], sums: Sequence[Tally]) -> bool:
    judged = (j for level, seen in zip(levels, sums, strict=True) for j in judge_requests(level, seen, "recovery"))
    return all(j.met is not False for j in judged)


def _readings_hold(levels: Sequence[ReadingLevel], readings: Sequence[Readings], start: float, end: float) -> bool:
    inside = [r for r in readings if start <= r.t <= end]
    judged = (j for x in levels for j in judge_reading(x, inside, "recovery"))
    return all(j.met is not False for j in judged)
