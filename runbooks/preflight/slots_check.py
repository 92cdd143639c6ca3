"""Each slot-exhaustion: who takes the slots, who is refused, whether they can be taken and given back."""

from __future__ import annotations

import resource

from faults.fault import FaultPlan
from faults.slot_exhaustion import SlotExhaustionParams, against, wanted
from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, good, objected
from runbooks.preflight.scene import Scene, failed

AREA = "fault"
_OTHER_FILES = 200  # what a run has open beside the held sessions


def check_slots(scene: Scene, fault: FaultPlan) -> list[Check]:
    """One line when the slots can be taken, else one for each objection; logs in once as each of the three roles."""
    params = fault.params
    assert isinstance(params, SlotExhaustionParams)
    try:
        facts = scene.world.slots(scene.target.databases[fault.database])
    except GamedayError as error:
        return [failed(AREA, fault.name, error, "check exhaust_dsn and platform_dsn in the target file")]
    found = against(facts, params)
    if found:
        return objected(AREA, fault.name, found)
    count, role, take = facts.count, facts.exhausting, wanted(facts, params)
    most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most_files != resource.RLIM_INFINITY and take > most_files - _OTHER_FILES:
        text = f"takes {take} sessions, and this process may open {most_files} files"
        return [bad(AREA, fault.name, text, f"ulimit -n {take + 2 * _OTHER_FILES}")]
    text = (
        f"as {role.name} takes {take} of {count.max_connections} slots, leaves {params.leave} "
        f"and the {count.reserved} reserved ones; {facts.platform.name} must be refused"
    )
    return [good(AREA, fault.name, text)]
