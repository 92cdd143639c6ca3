"""Whether each fault has the time it needs to be proven: long enough, and not in the shadow of another."""

from __future__ import annotations

from collections.abc import Sequence

from faults.catalog import kind_named
from faults.fault import FaultPlan
from faults.quantity import say_seconds
from faults.toxic_params import ToxicParams
from faults.toxics.flap import FlapParams
from runbooks.parsing.validation import Checked

ALONE_S = 3.0
"""For so long a fault must be the newest one on its proxy: the time in which it is measured."""


def check_timing(plans: Sequence[FaultPlan], checked: Checked) -> None:
    """A defect for each fault that can't be proven in its time."""
    for plan in plans:
        _check_length(plan, checked)
    by_start = sorted((p for p in plans if p.proxy), key=lambda p: p.at_s)
    for index, second in enumerate(by_start):
        for first in by_start[:index]:
            if first.proxy == second.proxy and second.at_s < first.at_s + first.for_s:
                _check_pair(first, second, checked)


def _check_length(plan: FaultPlan, checked: Checked) -> None:
    shortest_s = plan.params.shortest_s if isinstance(plan.params, ToxicParams | FlapParams) else 0.0
    if plan.for_s < shortest_s:
        what = f"{plan.name!r} lasts {say_seconds(plan.for_s)}, too short for this {plan.kind} to be proven"
        checked.defect((*_place(plan), "for"), what, f"write for: {shortest_s:g}s or more")


def _check_pair(first: FaultPlan, second: FaultPlan, checked: Checked) -> None:
    """`second` starts while `first` is on, on the same proxy."""
    end = say_seconds(first.at_s + first.for_s)
    if first.kind == second.kind == "down":
        what = f"the faults {first.name!r} and {second.name!r} are both down on {second.proxy!r} at once"
        checked.defect(_place(second), what, f"start {second.name!r} at {end} or later, or make them one")
    elif (kind := kind_named(first.kind)) is not None and kind.silences:
        what = f"{second.name!r} starts while {first.name!r} lets nothing sound through {second.proxy!r}: "
        mend = f"start {second.name!r} at {end} or later, or {say_seconds(ALONE_S)} before {first.name!r}"
        checked.defect(_place(second), what + "what it adds can't be measured", mend)
    elif second.at_s < first.at_s + ALONE_S:
        what = f"{second.name!r} starts within {say_seconds(ALONE_S)} of {first.name!r} on {second.proxy!r}: "
        mend = f"start {second.name!r} at {say_seconds(first.at_s + ALONE_S)} or later"
        checked.defect(_place(second), what + "the one can't be told from the other", mend)


def _place(plan: FaultPlan) -> tuple[str, int]:
    return "faults", int(plan.id[1:]) - 1
