"""The guide's success criteria of a load test, each with yes, no or unknown. A run with faults has other aims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from harness.analysis import generator
from harness.journal.reader import JournalView
from harness.journal.record import Breach, CrashSeen, LevelJudged, LoadProcessLost, LoadSteered, RunStarted, Window
from harness.report import format as say
from harness.report import load_totals, measured, run

ERROR_LIMIT = 0.01
ERROR_TARGET = 0.001
_ENOUGH = 20
_FEWEST_USERS = 0.95


class Criterion(BaseModel):
    """`text` is what success asks for; `met` None: unknown; `detail` says on what ground."""

    model_config = ConfigDict(frozen=True)

    text: str
    met: bool | None
    detail: str


def criteria(view: JournalView) -> tuple[Criterion, ...]:
    """The checklist of a run without faults whose load was seen; () for any other."""
    started = run.started(view)
    if started.faults or not view.of(Window):
        return ()
    groups = _groups(view, started)
    return (
        _levels("every endpoint within its service level", groups["requests"], "no level on requests was judged"),
        _error_rate(view, started),
        _levels("resources within their limits", groups["resources"], "no level on a resource was judged"),
        _crash(view, groups["crash"]),
        *_others(groups["others"]),
        _load(view, started),
    )


def _groups(view: JournalView, started: RunStarted) -> dict[str, list[LevelJudged]]:
    """The judged levels by what they look at."""
    groups: dict[str, list[LevelJudged]] = {"requests": [], "resources": [], "crash": [], "others": []}
    for level in view.of(LevelJudged):
        if untouched(level, started):
            continue
        if level.about:
            groups["crash" if level.about == "crash" else "others"].append(level)
        else:
            groups["requests" if level.unit in ("ms", "fraction") else "resources"].append(level)
    return groups


def untouched(level: LevelJudged, started: RunStarted) -> bool:
    """No request came that the level looks at, since the load's tags leave that part of the traffic out."""
    chosen = bool(started.tags or started.exclude_tags)
    return chosen and level.unit in ("ms", "fraction") and level.value is None and level.requests == 0


def _levels(text: str, levels: Sequence[LevelJudged], nothing: str) -> Criterion:
    if not levels:
        return Criterion(text=text, met=None, detail=nothing)
    missed = [level for level in levels if level.met is False]
    unknown = [level for level in levels if level.met is None]
    if missed:
        return Criterion(text=text, met=False, detail=_said(missed))
    if unknown:
        return Criterion(text=text, met=None, detail=_said(unknown))
    return Criterion(text=text, met=True, detail=f"{say.plural(len(levels), 'limit')} met")


def _said(levels: Iterable[LevelJudged]) -> str:
    return "; ".join(dict.fromkeys(level.text.removesuffix(": not met") or level.name for level in levels))


def _error_rate(view: JournalView, started: RunStarted) -> Criterion:
    limits = [plan.limit for plan in started.service_levels if plan.unit == "fraction" and "error rate" in plan.text]
    limit = max(limits, default=ERROR_LIMIT)
    text = f"error rate at most {say.percent(limit)} (target {say.percent(ERROR_TARGET)})"
    totals = load_totals.total(measured.windows(view))
    rate = totals.error_rate
    counted = f"{say.percent(rate)} ({say.count(totals.failed)} of {say.count(totals.requests)})"
    breach = next((b for b in view.of(Breach) if b.condition == "error_rate"), None)
    if breach is not None:
        return Criterion(text=text, met=False, detail=breach.text)
    if rate is None or totals.requests < _ENOUGH:
        return Criterion(text=text, met=None, detail=f"only {say.plural(totals.requests, 'request')} were measured")
    if rate > limit:
        return Criterion(text=text, met=False, detail=counted)
    place = "within" if rate <= ERROR_TARGET else "above"
    return Criterion(text=text, met=True, detail=f"{counted}, {place} the target")


def _crash(view: JournalView, levels: Sequence[LevelJudged]) -> Criterion:
    text = "no crash"
    seen = view.of(CrashSeen)
    if seen:
        return Criterion(text=text, met=False, detail="; ".join(dict.fromkeys(crash.text for crash in seen)))
    return _levels(text, levels, "no service level watches for crashes")


def _others(levels: Sequence[LevelJudged]) -> tuple[Criterion, ...]:
    return (_levels("every invariant holds, every alert did its part", levels, ""),) if levels else ()


def _load(view: JournalView, started: RunStarted) -> Criterion:
    """What was played is what was asked for: else the numbers are of another load."""
    text = "the load was the one asked for"
    windows = measured.windows(view)
    if steered := view.last(LoadSteered):
        return Criterion(text=text, met=False, detail=f"somebody changed it to {say.plural(steered.users, 'user')}")
    if lost := view.first(LoadProcessLost):
        return Criterion(text=text, met=False, detail=f"load process {lost.pid} died")
    if not windows:
        return Criterion(text=text, met=None, detail="nothing was measured")
    users = sorted(window.users for window in windows)[len(windows) // 2]
    if started.users is not None and users < _FEWEST_USERS * started.users:
        there = f"{say.count(users)} of {say.plural(started.users, 'user')} were there"
        return Criterion(text=text, met=False, detail=there)
    return _generator(text, windows, users)


def _generator(text: str, windows: Sequence[Window], users: int) -> Criterion:
    lag_ms = generator.lag_ms(windows)
    cpu = say.percent(generator.busiest_cpu(windows))
    lagged = f"the load generator lagged by {say.milliseconds(lag_ms)} (p95)"
    told = f"{say.plural(users, 'user')}; {lagged} and took {cpu} of a core"
    if lag_ms > generator.BUSY_LAG_MS:
        return Criterion(text=text, met=None, detail=f"{told}: the latencies are partly its own")
    return Criterion(text=text, met=True, detail=told)
