"""What the chart shows, as plain values: windows summed to whole steps of time, faults in lanes, moments marked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.journal import histogram
from harness.journal.plan import PlannedLevel
from harness.journal.reader import JournalView
from harness.journal.record import FAILURE_KINDS, FailureKind, Window
from harness.journal.request_glob import ALL, matches
from harness.report import format as say
from harness.report import halt, phase_span, run
from harness.report.fault_account import begun

MOST_STEPS = 600
MOST_SERIES = 3
MOST_LANES = 8
ALL_REQUESTS = "all requests"


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    """`t`: the middle of the step; `ms` None: nothing completed in it."""

    t: float
    ms: float | None
    series: str


@dataclass(frozen=True, slots=True)
class LatencyLimit:
    ms: float
    series: str
    text: str


@dataclass(frozen=True, slots=True)
class FailedShare:
    """The failures of one kind in a step, stacked on the kinds before it: `low` and `high` are fractions."""

    t: float
    until: float
    low: float
    high: float
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """`t`: the middle of the step, `since` its begin; `rps` over what was seen of it."""

    t: float
    since: float
    rps: float
    users: int | None


@dataclass(frozen=True, slots=True)
class Band:
    """A phase or a fault; `lane` from 0."""

    start: float
    end: float
    name: str
    lane: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    t: float
    text: str
    kind: Literal["breach", "halt"]


@dataclass(frozen=True, slots=True)
class ChartData:
    """Times in seconds since the start of the run; every step is `step_s` long, the axis ends at `end_s`."""

    step_s: float
    end_s: float
    latency: tuple[LatencyPoint, ...]
    latency_limits: tuple[LatencyLimit, ...]
    errors: tuple[FailedShare, ...]
    error_limit: float | None
    load: tuple[LoadPoint, ...]
    phases: tuple[Band, ...]
    faults: tuple[Band, ...]
    moments: tuple[Moment, ...]

    @property
    def empty(self) -> bool:
        """There was no load to show."""
        return not self.load

    @property
    def series(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(point.series for point in self.latency))


def collect(view: JournalView) -> ChartData:
    """What the journal has for the chart; empty without windows."""
    windows, spans, levels = view.of(Window), phase_span.spans(view), run.started(view).service_levels
    end_s = max([window.end for window in windows] + [span.end or 0.0 for span in spans], default=0.0)
    step_s = float(max(1, math.ceil(end_s / MOST_STEPS)))
    steps = _steps(windows, step_s)
    limited = _latency_levels(levels)
    return ChartData(
        step_s=step_s,
        end_s=max(end_s, step_s),
        latency=tuple(_latency(steps, step_s, limited)),
        latency_limits=tuple(
            LatencyLimit(level.limit, level.name, f"limit {say.milliseconds(level.limit)}") for level in limited
        ),
        errors=tuple(_errors(steps, step_s, end_s)),
        error_limit=min((lv.limit for lv in levels if lv.unit == "fraction" and "error" in lv.text), default=None),
        load=tuple(_load(steps, step_s)),
        phases=tuple(Band(span.start, end_s if span.end is None else span.end, span.name) for span in spans),
        faults=tuple(_faults(view, end_s)),
        moments=tuple(_moments(view)),
    )


def _steps(windows: Sequence[Window], step_s: float) -> dict[float, list[Window]]:
    """Windows by the step that their middle lies in; steps without one are there too, empty: they are gaps."""
    if not windows:
        return {}
    places = [int((window.start + window.end) / 2 / step_s) for window in windows]
    steps: dict[float, list[Window]] = {place * step_s: [] for place in range(min(places), max(places) + 1)}
    for place, window in zip(places, windows, strict=True):
        steps[place * step_s].append(window)
    return steps


def _latency_levels(levels: Iterable[PlannedLevel]) -> list[PlannedLevel]:
    """The first few limits on p95; the rest of the service levels is in the tables."""
    return [level for level in levels if level.unit == "ms" and "p95" in level.text][:MOST_SERIES]


def _latency(steps: dict[float, list[Window]], step_s: float, levels: Sequence[PlannedLevel]) -> Iterable[LatencyPoint]:
    groups = [(level.name, level.of or ALL) for level in levels] or [(ALL_REQUESTS, ALL)]
    for series, glob in groups:
        for t, windows in steps.items():
            merged = histogram.merge(
                stats.histogram for w in windows for name, stats in w.names.items() if matches(glob, name)
            )
            yield LatencyPoint(t + step_s / 2, histogram.percentile_ms(merged, 0.95), series)


def _errors(steps: dict[float, list[Window]], step_s: float, end_s: float) -> Iterable[FailedShare]:
    for t, windows in steps.items():
        requests = sum(window.requests for window in windows)
        low = 0.0
        for kind in FAILURE_KINDS:
            failed = sum(stats.failures.get(kind, 0) for window in windows for stats in window.names.values())
            if failed:
                high = low + failed / max(requests, failed)
                yield FailedShare(t, min(t + step_s, end_s), low, high, kind)
                low = high


def _load(steps: dict[float, list[Window]], step_s: float) -> Iterable[LoadPoint]:
    for t, windows in steps.items():
        # the last step is often cut short: its rate is over what was seen of it
        seen_s = sum(window.end - window.start for window in windows) or step_s
        requests = sum(window.requests for window in windows)
        users = max((window.users for window in windows), default=None)
        yield LoadPoint(t + step_s / 2, t, requests / min(seen_s, step_s), users)


def _faults(view: JournalView, end_s: float) -> Iterable[Band]:
    """Faults as bands, each in a lane of its own as long as there are few: their names need the room."""
    injected = [(fault.injected_at, fault) for fault in begun(view) if fault.injected_at is not None]
    for place, (start, fault) in enumerate(sorted(injected, key=lambda pair: pair[0])):
        end = end_s if fault.healed_at is None else min(fault.healed_at, end_s)
        yield Band(start, max(start, end), fault.name, place % MOST_LANES)


def _moments(view: JournalView) -> Iterable[Moment]:
    stop = halt.build(view)
    if stop is None:
        return
    if stop.breach_at is not None:
        yield Moment(stop.breach_at, f"breach {say.offset(stop.breach_at)}", "breach")
    if stop.healed_at is not None and stop.load_stopped_at is not None:
        complete = max(stop.healed_at, stop.load_stopped_at)
        yield Moment(complete, f"halt complete {say.offset(complete)}", "halt")
    else:
        yield Moment(stop.decided_at, f"halt decided {say.offset(stop.decided_at)}", "halt")
