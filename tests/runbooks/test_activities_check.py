"""Preflight of Chaos Toolkit faults: functions that could be called, a probe that answers as all is well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from faults.activity_fault import ChaosToolkitParams
from faults.fault import FaultPlan
from harness.errors import BadInput
from harness.reach.activity import Activity, Performed
from runbooks.preflight.activities_check import check_activities
from runbooks.preflight.scene import Scene

KEYS: dict[str, Any] = {
    "action": {"module": "app", "func": "stop"},
    "rollback": {"module": "app", "func": "start"},
    "probe": {"module": "app", "func": "runs", "tolerance": True},
}


@dataclass
class FakeWorld:
    """`unusable`: the functions that can't be called."""

    tolerated: bool = True
    unusable: tuple[str, ...] = ()
    looked: list[str] = field(default_factory=list)
    performed: list[str] = field(default_factory=list)

    def could_perform(self, activity: Activity) -> None:
        self.looked.append(activity.name)
        if activity.func in self.unusable:
            raise BadInput("could not find Python module 'app'", where=activity.name)

    def perform(self, activity: Activity) -> Performed:
        self.performed.append(activity.name)
        return Performed(output=self.tolerated, tolerated=self.tolerated, took_ms=1.0)


def check(world: FakeWorld, **changes: object) -> Any:
    params = ChaosToolkitParams.model_validate({**KEYS, **changes})
    fault = FaultPlan("f1", "no worker", "chaostoolkit", "", params, 0.0, 10.0, "platform")
    [found] = check_activities(Scene(cast(Any, None), cast(Any, None), cast(Any, None), cast(Any, world)), fault)
    return found


def test_only_the_probe_is_run_and_all_are_looked_at() -> None:
    world = FakeWorld()

    found = check(world)

    assert found.ok
    assert found.detail.startswith("will run app.stop, then app.start; app.runs answers True now")
    assert "not bound by the target's allow list" in found.detail
    assert (world.looked, world.performed) == (["app.stop", "app.runs", "app.start"], ["app.runs"])


def test_with_nothing_to_take_back_it_says_so() -> None:
    assert "then nothing to take back" in check(FakeWorld(), rollback="none").detail


@pytest.mark.parametrize("func", ["stop", "start", "runs"])
def test_a_function_that_can_not_be_called_is_bad_and_nothing_is_run(func: str) -> None:
    world = FakeWorld(unusable=(func,))

    found = check(world)

    assert found.ok is False
    assert found.mend == "is the extension installed beside gameday?"
    assert world.performed == []


def test_a_probe_outside_of_its_tolerance_now_is_bad() -> None:
    found = check(FakeWorld(tolerated=False))

    assert (found.ok, found.detail) == (False, "the probe app.runs answers False now: not within its tolerance")
