"""Judges the service levels of one phase: met, not met, or unknown. Unknown is not success."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.crash_level import judge_crashes
from harness.analysis.invariant import Answers, judge_invariant
from harness.analysis.reading_level import judge_reading
from harness.analysis.service_level import CrashLevel, ReadingLevel, RequestLevel, ServiceLevel
from harness.analysis.tally import Tally, tally
from harness.journal.histogram import mean_ms, percentile_ms
from harness.journal.record import CrashSeen, LevelJudged, PhaseName, Readings, Window
from harness.journal.share import interval_90, percent

ENOUGH = 20  # requests, below which a percentile or a rate says little
_STUCK_S = 2.0


@dataclass(frozen=True, slots=True)
class Latency:
    """One way to look at latencies. `tolerated`: the share that may lie above the limit; None: a mean or a maximum."""

    label: str
    value_ms: Callable[[Mapping[int, int]], float | None]
    tolerated: float | None
    enough: int = ENOUGH


LATENCIES: Mapping[str, Latency] = {
    "p50_ms": Latency("p50", lambda h: percentile_ms(h, 0.5), 0.5),
    "p95_ms": Latency("p95", lambda h: percentile_ms(h, 0.95), 0.05),
    "p99_ms": Latency("p99", lambda h: percentile_ms(h, 0.99), 0.01),
    "mean_ms": Latency("mean", mean_ms, None),
    "max_ms": Latency("max", lambda h: percentile_ms(h, 1.0), 0.0, enough=1),
}


@dataclass(frozen=True, slots=True)
class Around:
    """What else is known of a phase. `span_s`: its start and end, which readings must cover; None: any number of them
    will do. `before`: the answers at the end of the baseline, None while they are asked. `crashes`: those seen since
    the phase before was judged; `watchers`: the sources that would tell one."""

    span_s: tuple[float, float] | None = None
    before: Answers | None = None
    crashes: Sequence[CrashSeen] = ()
    watchers: Sequence[str] = ()


_NOTHING_ELSE = Around()


def judge(
    levels: Sequence[ServiceLevel],
    windows: Sequence[Window],
    readings: Sequence[Readings],
    phase: PhaseName,
    answers: Answers,
    around: Around = _NOTHING_ELSE,
) -> tuple[LevelJudged, ...]:
    """One record per limit, in the order of `levels`. `windows` and `readings` are those of the phase; `answers`
    holds what the invariants answered, by the level's name: an absent one is unknown."""
    judged: list[LevelJudged] = []
    for level in levels:
        if isinstance(level, RequestLevel):
            seen = tally(level.requests, windows)
            judged += judge_requests(level, seen, phase, _stuck_s(windows, seen))
        elif isinstance(level, ReadingLevel):
            judged += judge_reading(level, readings, phase, around.span_s)
        elif isinstance(level, CrashLevel):
            judged.append(judge_crashes(level, phase, around.crashes, readings, around.watchers, around.span_s))
        else:
            judged.append(judge_invariant(level, phase, answers, around.before))
    return tuple(judged)


def judge_requests(level: RequestLevel, seen: Tally, phase: PhaseName, stuck_s: float = 0.0) -> list[LevelJudged]:
    """The latency limits and the error rate of one group. `stuck_s`: how long requests have been under way that are
    too many to be left out of the group's latencies; 0 where there are none."""
    judged = []
    for name, latency in LATENCIES.items():
        limit = getattr(level, name)
        if limit is not None:
            value = latency.value_ms(seen.histogram)
            met, why = _latency_met(latency, value, limit, seen)
            if met and stuck_s * 1000 > limit:
                met, why = None, f"unknown, as many requests are still under way, the oldest for {stuck_s:.1f} s"
            told = "no requests" if value is None else f"{value:.0f} ms"
            text = f"{level.name} {latency.label} {told}, limit {limit:g} ms: {why}"
            judged.append(_record(level, seen, phase, text, value=value, limit=limit, unit="ms", met=met))
    if level.error_rate is not None:
        judged.append(_error_rate(level, level.error_rate, seen, phase))
    return judged


def _record(
    level: RequestLevel, seen: Tally, phase: PhaseName, text: str, **judged: float | str | bool | None
) -> LevelJudged:
    about = {"name": level.name, "phase": phase, "text": text}
    shown = {"p95_ms": seen.p95_ms, "error_rate": seen.error_rate, "requests": seen.requests}
    return LevelJudged.model_validate(about | shown | judged)


def _latency_met(latency: Latency, value: float | None, limit: float, seen: Tally) -> tuple[bool | None, str]:
    if value is None:
        return None, "unknown"
    if seen.samples >= latency.enough:
        return (False, "not met") if value > limit else (True, "met")
    if latency.tolerated is not None and interval_90(seen.above(limit), seen.samples).low > latency.tolerated:
        return False, "not met"
    return None, f"unknown, only {seen.samples} requests"


def _error_rate(level: RequestLevel, limit: float, seen: Tally, phase: PhaseName) -> LevelJudged:
    rate = seen.error_rate
    met: bool | None = None
    why = "unknown" if rate is None else f"unknown, only {seen.requests} requests"
    if seen.requests >= ENOUGH or interval_90(seen.failed, seen.requests).low > limit:
        met = rate is not None and rate <= limit
        why = "met" if met else "not met"
    told = "no requests" if rate is None else f"{percent(rate)} ({seen.failed} of {seen.requests})"
    text = f"{level.name} error rate {told}, limit {percent(limit)}: {why}"
    return _record(level, seen, phase, text, value=rate, limit=limit, unit="fraction", met=met)


def _stuck_s(windows: Sequence[Window], seen: Tally) -> float:
    """Latencies tell of completed requests only: where at the end more are still under way than the group's
    percentile could ignore, and for long, the percentile is no proof that the level is met."""
    last = windows[-1] if windows else None
    if last is None or last.oldest_in_flight_s < _STUCK_S or last.in_flight <= max(1.0, 0.05 * seen.requests):
        return 0.0
    return last.oldest_in_flight_s
