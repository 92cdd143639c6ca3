"""What the alerting should do, as a person writes it: an alert that must fire within a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from faults.fault import FaultPlan
from faults.quantity import say_seconds
from harness.analysis.alert_level import AlertLevel
from runbooks.parsing.amount import Stretch, Text
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked, Entry
from runbooks.parsing.yaml_source import Place

LONGEST_AFTER_BREACH_S = 90.0
"""The summary of a stopped run waits for the alert that must follow the breach, but not for ever."""


class AlertEntry(Entry):
    """An alert that must fire."""

    name: Text
    alert: Text = Field(description="the alert's own name (alertname)")
    labels: dict[str, str] = Field(default={}, description="labels that it must have, among others")
    within: Stretch = Field(description="how soon it must fire")
    of: Text | None = Field(default=None, description="the fault that it must tell; the first one if left out")
    after: Literal["fault", "breach"] = Field(
        default="fault", description="within counts from the fault's injection, or from the breach of a stop condition"
    )
    resolved_within: Stretch | None = Field(default=None, description="how soon after the healing it must be over")


@dataclass(frozen=True, slots=True)
class Timeline:
    """What an alert is checked against. `rest_s`: the length of the faults phase and the recovery together; None:
    not known. `stops`: whether a stop condition can breach the run; `taken`: the service levels' names; `any_fault`:
    whether one is written, sound or not."""

    faults: Sequence[FaultPlan]
    rest_s: float | None
    stops: bool
    taken: frozenset[str]
    any_fault: bool = True


def read_alerts(
    entries: list[Any], checked: Checked, names: TargetNames | None, timeline: Timeline
) -> tuple[AlertLevel, ...]:
    """Every alert that could be read; the whole file's model has reported what pydantic finds."""
    if entries and names is not None and not names.alerting:
        what = "alerts are expected, and the target says nothing of its alerting"
        checked.defect(("alerts",), what, 'add alerting: {alertmanager: "http://..."} to the target, or a webhook')
    if entries and not timeline.any_fault:
        checked.defect(("alerts",), "alerts are expected, and there are no faults", "add faults, or take alerts out")
    taken = set(timeline.taken)
    read = []
    for index, entry in enumerate(entries):
        place: Place = ("alerts", index)
        sound = _quiet(entry)
        if sound is not None:
            read.append(_level(sound, place, checked, timeline))
            if sound.name in taken:
                checked.defect(place, f"a second service level or alert named {sound.name!r}", "rename one")
            taken.add(sound.name)
    return tuple(read)


def _quiet(entry: Any) -> AlertEntry | None:
    try:
        return AlertEntry.model_validate(entry)
    except ValueError:
        return None


def _level(read: AlertEntry, place: Place, checked: Checked, timeline: Timeline) -> AlertLevel:
    plan = _fault(read, place, checked, timeline)
    _check_time(read, plan, place, checked, timeline)
    return AlertLevel(
        name=read.name,
        alert=read.alert,
        within_s=read.within,
        labels=dict(read.labels),
        fault_id=plan.id if plan is not None and read.of is not None else "",
        after=read.after,
        resolved_within_s=read.resolved_within,
    )


def _fault(read: AlertEntry, place: Place, checked: Checked, timeline: Timeline) -> FaultPlan | None:
    by_name = {plan.name: plan for plan in timeline.faults}
    if read.of is None:
        return min(timeline.faults, key=lambda plan: plan.at_s, default=None)
    if read.of not in by_name and timeline.faults:
        mend = suggest(read.of, by_name, what="the faults are")
        checked.defect((*place, "of"), f"unknown fault {read.of!r}", mend)
    return by_name.get(read.of)


def _check_after_breach(read: AlertEntry, place: Place, checked: Checked, timeline: Timeline) -> None:
    if not timeline.stops:
        checked.defect((*place, "after"), "after a breach, and no stop condition can breach", "add one to stop_when")
    if read.within > LONGEST_AFTER_BREACH_S:
        most = say_seconds(LONGEST_AFTER_BREACH_S)
        checked.defect((*place, "within"), f"within: after a breach it is waited for {most} at most", f"write {most}")


def _check_time(read: AlertEntry, plan: FaultPlan | None, place: Place, checked: Checked, timeline: Timeline) -> None:
    if read.after == "breach":
        _check_after_breach(read, place, checked, timeline)
    if plan is None or timeline.rest_s is None:
        return
    ends = [] if read.after == "breach" else [("within", plan.at_s + read.within)]
    if read.resolved_within is not None:
        ends.append(("resolved_within", plan.at_s + plan.for_s + read.resolved_within))
    for key, end_s in ends:
        if end_s > timeline.rest_s + 1e-9:
            what = f"{key}: its time is over {say_seconds(end_s)} after the faults began, and the run ends before"
            checked.defect((*place, key), what, "make phases.recovery longer")
