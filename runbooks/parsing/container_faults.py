"""Faults on containers: what the runbook says of them as a whole, and of each where the target must fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faults.containers.params import ContainerParams
from faults.fault import FaultPlan
from faults.quantity import say_seconds
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.validation import Checked
from runbooks.parsing.yaml_source import Place

ALL = "*"
_SIDE_BY_SIDE = {"container-cpu", "container-memory"}


def with_container(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of a fault on containers; labels alone mean all that carry them."""
    return {"container": ALL, **entry} if "labels" in entry else entry


def check_has_containers(kind: str | None, place: Place, checked: Checked, names: TargetNames) -> None:
    """A defect where the target has no containers. Which there are besides those named, only a run knows."""
    if names.containers is None:
        mend = "add containers: {labels: {com.docker.compose.project: NAME}} to the target"
        checked.defect((*place, "kind"), f"{kind} needs containers, and the target has none", mend)


def check_container_faults(plans: Sequence[FaultPlan], checked: Checked) -> None:
    """A defect for two at once on the same containers: the one could not be told from the other, nor healed alone."""
    ours = sorted((p for p in plans if isinstance(p.params, ContainerParams)), key=lambda p: p.at_s)
    for index, second in enumerate(ours):
        for first in ours[:index]:
            if second.at_s < first.at_s + first.for_s and _clash(first, second):
                what = f"{first.name!r} and {second.name!r} are on the same containers at once"
                mend = f"start {second.name!r} at {say_seconds(first.at_s + first.for_s)} or later"
                checked.defect(("faults", int(second.id[1:]) - 1), what, mend)


def _clash(first: FaultPlan, second: FaultPlan) -> bool:
    assert isinstance(first.params, ContainerParams)
    assert isinstance(second.params, ContainerParams)
    same = (first.place, first.params.labels) == (second.place, second.params.labels)
    return same and {first.kind, second.kind} != _SIDE_BY_SIDE
