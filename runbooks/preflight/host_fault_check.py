"""Each fault on a host: what it will take there, the tools and rights that it needs, and what speaks against it."""

from __future__ import annotations

from faults.fault import FaultPlan
from harness.errors import GamedayError
from runbooks.preflight.check import Check, good, objected
from runbooks.preflight.scene import Scene, failed

AREA = "fault"


def check_host_fault(scene: Scene, fault: FaultPlan) -> list[Check]:
    """One line when it can be played, else one for each objection; the host is asked, and nothing there is changed."""
    try:
        look = scene.world.host_fault(fault)
    except GamedayError as error:
        return [failed(AREA, fault.name, error, f"try the host by hand: ssh {scene.target.hosts[fault.place].ssh}")]
    if look.objections:
        return objected(AREA, fault.name, look.objections)
    return [good(AREA, fault.name, f"on {fault.place} {look.says}")]
