"""Judges "no crash": what died or was started again unasked, and whether anybody could have seen it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.reading_level import MISSING_SHARE, missing_share, source_glob
from harness.analysis.service_level import CrashLevel
from harness.journal.record import CrashSeen, LevelJudged, PhaseName, Readings

_MOST_TOLD = 3


def judge_crashes(
    level: CrashLevel,
    phase: PhaseName,
    crashes: Sequence[CrashSeen],
    readings: Sequence[Readings],
    watchers: Sequence[str],
    span_s: tuple[float, float] | None,
) -> LevelJudged:
    """The level in one phase. `crashes`: those seen since the phase before was judged. `watchers`: the sources whose
    readings would tell a crash; a relevant one that was not heard of for long is unknown. `span_s` None: whether they
    were heard of is not asked."""
    means = source_glob(level.of)
    seen = [crash for crash in crashes if means(crash.source)]
    met: bool | None = None
    if seen:
        met, said = False, _told(seen)
    elif unheard := _unheard(level.of, readings, watchers, span_s):
        said = unheard
    else:
        met, said = True, "none"
    known = "unknown" if met is None else "met" if met else "not met"
    return LevelJudged(
        name=level.name,
        phase=phase,
        value=float(len(seen)) if met is not None else None,
        limit=0.0,
        unit="count",
        met=met,
        about="crash",
        text=f"{level.name}: {said}: {known}",
    )


def _told(seen: Sequence[CrashSeen]) -> str:
    told = "; ".join(_one(crash) for crash in seen[:_MOST_TOLD])
    return f"{told} and {len(seen) - _MOST_TOLD} more" if len(seen) > _MOST_TOLD else told


def _one(crash: CrashSeen) -> str:
    code = f" (exit code {crash.exit_code})" if crash.exit_code is not None else ""
    said = "" if code and f"exit code {crash.exit_code}" in crash.text else code
    text = crash.text.rstrip(". ") or crash.what
    return f"{text if crash.source in text else f'{crash.source}: {text}'}{said}"


def _unheard(of: str, readings: Sequence[Readings], watchers: Sequence[str], span_s: tuple[float, float] | None) -> str:
    """Why a crash may have gone unseen; "" where it would have been seen."""
    relevant = [watcher for watcher in watchers if source_glob(of)(watcher)]
    if not relevant:
        return f"nothing is watched that could tell a crash of {of}"
    for watcher in relevant:
        times_s = [r.t for r in readings if r.source == watcher]
        if not times_s:
            return f"{watcher} was not heard of"
        missing = missing_share(times_s, span_s) if span_s else 0.0
        if missing > MISSING_SHARE:
            return f"{watcher} was not heard of for {missing:.0%} of the phase"
    return ""
