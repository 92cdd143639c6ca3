"""Judges limits on readings: by the mean, the peak or the end of a phase, of one source or of several."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.service_level import By, ReadingLevel
from harness.journal.record import LevelJudged, PhaseName, Readings

USUAL_PAUSE_S = 3.5  # readings come once a second; a slow host may take its whole deadline for one
MISSING_SHARE = 0.25
"""Where readings are missing for more of a phase than this, what was read is no proof that a limit was kept."""

_WORDS: Mapping[By, str] = {"mean": "on average", "peak": "at its worst", "end": "at the end"}


@dataclass(frozen=True, slots=True)
class _Judged:
    source: str
    value: float | None
    met: bool | None
    why: str = ""


def judge_reading(
    level: ReadingLevel, readings: Sequence[Readings], phase: PhaseName, span_s: tuple[float, float] | None = None
) -> list[LevelJudged]:
    """One record for each limit that is set; of several sources the worst one counts, and an unknown one makes all
    unknown that is not missed. `span_s`: the phase, where its readings must cover it."""
    series = series_of(level.reading, readings)
    for source in level.sources:
        series.setdefault(source, ())
    judged = []
    for limit, keeps in ((level.max, _at_most), (level.min, _at_least)):
        if limit is not None:
            parts = [_judge_one(level, source, values, (limit, keeps), span_s) for source, values in series.items()]
            judged.append(_record(level, phase, limit, keeps, parts))
    return judged


def series_of(reading: str, readings: Sequence[Readings]) -> dict[str, tuple[tuple[float, float], ...]]:
    """(t, value) pairs in order, by source, of a reading such as "app-1.cpu" or "*.cpu"."""
    glob, _, name = reading.rpartition(".")
    match = source_glob(glob)
    found: dict[str, tuple[tuple[float, float], ...]] = {}
    for r in readings:
        if name in r.values and match(r.source):
            found[r.source] = (*found.get(r.source, ()), (r.t, r.values[name]))
    return found


def source_glob(glob: str) -> Callable[[str], bool]:
    """Whether a source is meant: `*` stands for any text, `?` for one character, all else for itself."""
    pattern = re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in glob))
    return lambda source: pattern.fullmatch(source) is not None


def missing_share(times_s: Sequence[float], span_s: tuple[float, float]) -> float:
    """The share 0..1 of `span_s` for which nothing was read, usual pauses left out."""
    start_s, end_s = span_s
    moments = [start_s, *times_s, end_s]
    pauses = (max(0.0, b - a - USUAL_PAUSE_S) for a, b in itertools.pairwise(moments))
    return sum(pauses) / (end_s - start_s) if end_s > start_s else 0.0


def _at_most(value: float, limit: float) -> bool:
    return value <= limit


def _at_least(value: float, limit: float) -> bool:
    return value >= limit


_Keeps = Callable[[float, float], bool]


def _judge_one(
    level: ReadingLevel,
    source: str,
    series: Sequence[tuple[float, float]],
    limit: tuple[float, _Keeps],
    span_s: tuple[float, float] | None,
) -> _Judged:
    if not series:
        return _Judged(source, None, None, "no reading")
    bound, keeps = limit
    value = _one_value(level.by, [v for _, v in series], max if keeps is _at_most else min)
    met: bool | None = keeps(value, bound)
    missing = missing_share([t for t, _ in series], span_s) if span_s else 0.0
    if met and missing > MISSING_SHARE:
        return _Judged(source, value, None, f"readings are missing for {missing:.0%} of the phase")
    return _Judged(source, value, met)


def _one_value(by: By, values: Sequence[float], worst: Callable[[Sequence[float]], float]) -> float:
    if by == "peak":
        return worst(values)
    return values[-1] if by == "end" else sum(values) / len(values)


def _record(
    level: ReadingLevel, phase: PhaseName, limit: float, keeps: _Keeps, parts: Sequence[_Judged]
) -> LevelJudged:
    mets = [part.met for part in parts]
    met = None if not parts else False if False in mets else None if None in mets else True
    same = [part for part in parts if part.met is met]
    worst = _worst(same, keeps) if same else _Judged("", None, None, "no reading")
    told = "" if worst.value is None else f"{worst.value:.3g} {_WORDS[level.by]}"
    said = ", ".join(part for part in (told, worst.why) if part)
    several = len(parts) > 1 or not level.reading.startswith(f"{worst.source}.")
    of = f"{level.reading} (worst {worst.source})" if several and worst.source else level.reading
    word = "at most" if keeps is _at_most else "at least"
    known = "unknown" if met is None else "met" if met else "not met"
    return LevelJudged(
        name=level.name,
        phase=phase,
        value=worst.value,
        limit=limit,
        unit="value",
        met=met,
        text=f"{level.name}: {of} {said}, {word} {limit:.3g}: {known}",
    )


def _worst(parts: Sequence[_Judged], keeps: _Keeps) -> _Judged:
    sign = 1.0 if keeps is _at_most else -1.0
    return max(parts, key=lambda part: float("inf") if part.value is None else sign * part.value)
