"""How a judged service level is called: the words of the runbook, where the journal has them."""

from __future__ import annotations

from harness.journal.plan import PlannedLevel
from harness.journal.record import LevelJudged, RunStarted
from harness.report import format as say


def planned(started: RunStarted, level: LevelJudged) -> PlannedLevel | None:
    """The runbook's level that was judged; a name may have several limits."""
    same = [plan for plan in started.service_levels if (plan.name, plan.limit) == (level.name, level.limit)]
    return next((plan for plan in same if plan.unit == level.unit), same[0] if same else None)


def label(started: RunStarted, level: LevelJudged) -> str:
    """Such as "api p95 < 200 ms"."""
    plan = planned(started, level)
    return plan.text if plan and plan.text else f"{level.name}, limit {say.quantity(level.limit, level.unit)}"
