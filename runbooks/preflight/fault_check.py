"""Each fault: long enough to be proven."""

from __future__ import annotations

from faults.quantity import say_seconds
from runbooks.preflight.check import Check, warning
from runbooks.preflight.scene import Scene

AREA = "fault"
PROVABLE_S = 5.0
"""The proof at the platform needs 3 s before it can say no, and some signs need 5."""


def check_faults(scene: Scene) -> list[Check]:
    """A warning for each fault that is over before its effect can be seen."""
    return [
        warning(
            AREA,
            fault.name,
            f"lasts {say_seconds(fault.for_s)}, less than {say_seconds(PROVABLE_S)}: "
            "its effect at the platform may not be provable",
            f"write for: {PROVABLE_S:g}s or more",
        )
        for fault in scene.runbook.faults
        if fault.for_s < PROVABLE_S
    ]
