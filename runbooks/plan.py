"""The plan of a runbook: phases and faults with their times since the start of the run."""

from __future__ import annotations

from dataclasses import dataclass

from faults.quantity import as_said, say_seconds
from runbooks.runbook import Runbook


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the plan; `start` and `end` as "1:05" since the load's first user."""

    start: str
    end: str
    what: str
    how: str
    is_phase: bool


def plan_of(runbook: Runbook) -> tuple[Row, ...]:
    """Phases in their order, each fault below the faults phase."""
    phases = runbook.phases
    rows: list[Row] = []
    at_s = 0.0
    for name, length_s in (
        ("warm-up", phases.warm_up_s),
        ("baseline", phases.baseline_s),
        ("faults", runbook.faults_s),
        ("recovery", phases.recovery_s),
    ):
        if length_s <= 0:
            continue
        rows.append(Row(clock(at_s), clock(at_s + length_s), name, _how(runbook, name), is_phase=True))
        if name == "faults":
            rows += [_fault_row(runbook, index, at_s) for index in _by_start(runbook)]
        at_s += length_s
    return tuple(rows)


def length_s(runbook: Runbook) -> float:
    """The whole run in seconds, if nothing stops it."""
    phases = runbook.phases
    return phases.warm_up_s + phases.baseline_s + runbook.faults_s + phases.recovery_s


def clock(at_s: float) -> str:
    """65 -> "1:05", 65.5 -> "1:05.5"."""
    minutes, rest = divmod(round(at_s, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}".removesuffix(".0")


def _by_start(runbook: Runbook) -> list[int]:
    return sorted(range(len(runbook.faults)), key=lambda index: runbook.faults[index].at_s)


def _fault_row(runbook: Runbook, index: int, phase_s: float) -> Row:
    fault = runbook.faults[index]
    start_s = phase_s + fault.at_s
    place = [f"on {fault.place}"] if fault.place else []
    how = " ".join([fault.kind, *place, *_params(runbook, index)])
    return Row(clock(start_s), clock(start_s + fault.for_s), fault.name, how, is_phase=False)


def _params(runbook: Runbook, index: int) -> list[str]:
    """What the runbook asks of the kind."""
    fault = runbook.faults[index]
    params, fields = fault.params, type(fault.params).model_fields
    chosen = [name for name in fault.param_names if name in params.model_fields_set]
    return [f"{name} {as_said(getattr(params, name), fields[name])}" for name in chosen]


def _how(runbook: Runbook, phase: str) -> str:
    if phase == "warm-up":
        users = runbook.load.users
        rate = f" at {runbook.load.spawn_rate:g}/s" if runbook.load.spawn_rate else ""
        return f"{users} users{rate}" if users else "users as the Locust configuration says"
    levels = len(runbook.service_levels)
    judged = f"{levels} service level{'' if levels == 1 else 's'}"
    if phase == "recovery":
        return f"{judged} again within {say_seconds(runbook.recover_within_s)}"
    alerts = len(runbook.alerts) if phase == "faults" else 0
    told = f", {alerts} alert{'' if alerts == 1 else 's'} must fire" if alerts else ""
    return f"{judged} {'must hold' if phase == 'baseline' else 'judged'}{told}"
