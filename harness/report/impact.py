"""What the incident cost, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.journal.reader import JournalView
from harness.journal.record import FailureKind, LevelJudged, Window
from harness.report import halt, load_totals, phase_span
from harness.report.fault_account import begun


@dataclass(frozen=True, slots=True)
class Impact:
    """Requests between `since_s` (the first fault that was on at the breach came in) and `until_s` (the load ended).

    `failed_share` is a fraction, None without requests. `breach_to_halt_s` is None where nothing was breached or
    the halt is not complete. `in_flight` requests were still without an answer when the load was stopped.
    """

    since_s: float
    until_s: float
    requests: int
    failed: int
    failed_share: float | None
    failures: Mapping[FailureKind, int] = field(default_factory=dict)
    users: int = 0
    in_flight: int = 0
    breach_to_halt_s: float | None = None


def deviated_at_s(view: JournalView) -> float:
    """When the run left its path: the breach, else the decision to stop, else the first phase with an unmet level."""
    if stop := halt.build(view):
        return stop.decided_at if stop.breach_at is None else stop.breach_at
    unmet = {level.phase for level in view.of(LevelJudged) if level.met is False}
    starts = [span.start for span in phase_span.spans(view) if span.name in unmet]
    return min(starts, default=0.0)


def measure(view: JournalView) -> Impact:
    """The impact of what went wrong. Without a fault that was on, it counts from the deviation itself."""
    since_s, until_s = _span(view)
    windows = [window for window in view.of(Window) if window.end > since_s and window.start < until_s]
    totals = load_totals.total(windows)
    stop = halt.build(view)
    return Impact(
        since_s=since_s,
        until_s=until_s,
        requests=totals.requests,
        failed=totals.failed,
        failed_share=totals.error_rate,
        failures=totals.failures,
        users=totals.users,
        in_flight=load_totals.whole_run(view).in_flight_at_stop,
        breach_to_halt_s=stop.took_s if stop else None,
    )


def _span(view: JournalView) -> tuple[float, float]:
    windows = view.of(Window)
    at_s = deviated_at_s(view)
    came_in = [fault.injected_at for fault in begun(view) if fault.on_at(at_s) and fault.injected_at is not None]
    end_s = max((window.end for window in windows), default=at_s)
    return min(came_in, default=at_s), max(end_s, at_s)
