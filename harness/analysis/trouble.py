"""Where the trouble lies in a run: before the breach, or in the phase whose levels were missed. A run without either is
quiet: only what grows unseen can be named in it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.span import FaultSpan, Span, fault_spans, phase_span
from harness.journal.histogram import merge, percentile_ms
from harness.journal.reader import JournalView
from harness.journal.record import Breach, LevelJudged, PhaseName, Recovered, StopDecided, Window

_LEAD_S = 2.0  # what led to the first suspicious window lies shortly before it
_FILLING_S = 15.0  # a fault may need so long until requests suffer: pools and queues fill first


@dataclass(frozen=True, slots=True)
class Trouble:
    """`span`: the stretch to look at; `logs_until`: log lines up to then may tell of it (healing makes its own);
    `quiet`: nothing was breached or missed, and `span` is all that was measured."""

    span: Span
    logs_until: float
    breach: Breach | None
    faults: tuple[FaultSpan, ...]
    quiet: bool = False


def find_trouble(view: JournalView) -> Trouble | None:
    """The trouble of a run, or what was measured in a quiet one; None where nothing was."""
    faults = fault_spans(view)
    breach = view.first(Breach)
    if breach is not None:
        span = _before_breach(breach, faults)
        on = tuple(f for f in faults if f.span.overlaps(span))
        # healing follows the breach at once and cuts connections itself: its lines tell of nothing that went before
        return Trouble(span, span.end if on else span.end + _LEAD_S, breach, on)
    missed = _missed_phase(view)
    whole = phase_span(view, missed) if missed is not None else None
    if whole is None:
        measured = _measured(view)
        return Trouble(measured, measured.end, None, faults, quiet=True) if measured is not None else None
    span = _worst_fault(whole, faults, view.of(Window))
    return Trouble(span, span.end, None, tuple(f for f in faults if f.span.overlaps(span)))


def _before_breach(breach: Breach, faults: tuple[FaultSpan, ...]) -> Span:
    suspicious = min(breach.values.get("first_suspicious_s", breach.breach_at), breach.breach_at)
    start = suspicious - _LEAD_S
    on = [f for f in faults if f.injected_at <= breach.breach_at <= f.healed_at]
    if on:
        injected = max(f.injected_at for f in on)
        start = injected if suspicious - injected <= _FILLING_S else max(start, injected)
    return Span(max(0.0, start), breach.breach_at)


def _missed_phase(view: JournalView) -> PhaseName | None:
    """The first phase that deviated; the baseline, where the platform suffers without any fault."""
    missed = {j.phase for j in view.of(LevelJudged) if j.met is False}
    for phase in ("baseline", "faults"):
        if phase in missed:
            return phase
    recovered = view.last(Recovered)
    slow = recovered is not None and recovered.time_to_recover_s is None and view.first(StopDecided) is None
    return "recovery" if "recovery" in missed or slow else None


def _measured(view: JournalView) -> Span | None:
    """From the end of the warm-up to the last window of the load."""
    warm = phase_span(view, "warm-up")
    windows = view.of(Window)
    start = warm.end if warm is not None else 0.0
    return Span(start, windows[-1].end) if windows and windows[-1].end > start else None


def _worst_fault(phase: Span, faults: tuple[FaultSpan, ...], windows: tuple[Window, ...]) -> Span:
    """The time of the fault under which the requests fared worst; the whole phase where there was none."""
    spans = [Span(max(f.injected_at, phase.start), min(f.healed_at, phase.end)) for f in faults]
    return max((s for s in spans if s.end > s.start), key=lambda s: _badness(s, windows), default=phase)


def _badness(span: Span, windows: tuple[Window, ...]) -> tuple[float, float]:
    inside = span.windows(windows)
    requests = sum(w.requests for w in inside)
    failed = sum(w.failed + w.task_errors for w in inside)
    histogram = merge(stats.histogram for w in inside for stats in w.names.values())
    return failed / max(requests, 1), percentile_ms(histogram, 0.95) or 0.0
