"""Each Chaos Toolkit fault: whether its functions could be called, and what its probe answers now."""

from __future__ import annotations

from faults.activity_fault import ChaosToolkitParams
from faults.fault import FaultPlan
from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, good
from runbooks.preflight.scene import Scene, failed

AREA = "fault"


def check_activities(scene: Scene, fault: FaultPlan) -> list[Check]:
    """One line when it can be played. The probe is asked; of action and rollback only the signature is looked at."""
    params = fault.params
    assert isinstance(params, ChaosToolkitParams)
    action, probe = params.activities[:2]
    try:
        for activity in params.activities:
            scene.world.could_perform(activity)
        answer = scene.world.perform(probe)
    except GamedayError as error:
        return [failed(AREA, fault.name, error, "is the extension installed beside gameday?")]
    if not answer.tolerated:
        text = f"the probe {probe.name} answers {answer.output!r} now: not within its tolerance"
        return [bad(AREA, fault.name, text, "the tolerance says what it answers when all is well")]
    back = params.activities[2].name if len(params.activities) > 2 else "nothing to take back"
    text = f"will run {action.name}, then {back}; {probe.name} answers {answer.output!r} now"
    return [good(AREA, fault.name, f"{text}. What they touch is not bound by the target's allow list")]
