"""Each fault on containers: who would be hit, and whether each of them can be hit and healed exactly."""

from __future__ import annotations

from faults.fault import FaultPlan
from harness.errors import GamedayError, Refused
from runbooks.preflight.check import Check, good, refused, warning
from runbooks.preflight.scene import Scene, failed

AREA = "fault"


def check_hits(scene: Scene, fault: FaultPlan) -> list[Check]:
    """One line with the names, and one for who is left out. What is there when the fault begins may differ."""
    if scene.target.containers is None:
        return []  # the runbook's own defect
    try:
        hits = scene.world.hits(fault)
    except Refused as error:
        return [refused(AREA, fault.name, error.what, error.mend)]
    except GamedayError as error:
        return [failed(AREA, fault.name, error, "docker ps shows what there is")]
    of = f" of {hits.running} that match" if hits.running > len(hits.names) else ""
    checks = [good(AREA, fault.name, f"hits {', '.join(hits.names)}{of}")]
    if hits.left_out:
        text = f"leaves out {', '.join(hits.left_out)}"
        checks.append(warning(AREA, fault.name, text, "start them, or name what is meant more closely"))
    return checks
