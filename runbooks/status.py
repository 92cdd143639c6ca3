"""The live view's numbers, from the windows of the last seconds."""

from __future__ import annotations

from collections.abc import Mapping

from harness.guard.condition import Distance
from harness.journal import histogram
from harness.journal.record import FAILURE_KINDS, Window
from runbooks.observations import Observations
from runbooks.screen import Status

LOOK_BACK_S = 3.0


def status_of(
    observations: Observations,
    newest: Window,
    *,
    phase: str,
    left_s: float,
    faults: Mapping[str, str],
    conditions: tuple[tuple[str, Distance], ...],
) -> Status:
    """The platform over the last three seconds, as the live view shows it."""
    seen = observations.between(max(0.0, newest.end - LOOK_BACK_S), newest.end)
    merged = histogram.merge(stats.histogram for stats in seen.names.values())
    failures = {kind: sum(s.failures.get(kind, 0) for s in seen.names.values()) for kind in FAILURE_KINDS}
    rates: dict[str, float] = {kind: n / seen.requests for kind, n in failures.items()} if seen.requests else {}
    return Status(
        now_s=newest.end,
        phase=phase,
        phase_left_s=max(left_s, 0.0),
        users=newest.users,
        in_flight=newest.in_flight,
        rps=seen.requests / min(LOOK_BACK_S, max(newest.end, 0.25)),
        p95_ms=histogram.percentile_ms(merged, 0.95),
        error_rates=rates,
        faults=tuple(f"{name} ({state})" for name, state in faults.items()),
        conditions=conditions,
    )
