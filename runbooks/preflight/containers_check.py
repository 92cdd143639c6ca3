"""Containers: known to the file format, not yet to this version."""

from __future__ import annotations

from runbooks.preflight.check import Check, warning
from runbooks.preflight.scene import Scene


def check_containers(scene: Scene) -> list[Check]:
    """A warning when the target names any."""
    if not scene.target.containers:
        return []
    labels = ", ".join(f"{key}={value}" for key, value in scene.target.containers.items())
    return [warning("containers", labels, "logs of containers are not collected by this version")]
