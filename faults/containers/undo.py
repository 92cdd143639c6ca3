"""The undo record of a fault on containers."""

from __future__ import annotations

from typing import Literal

from faults.containers.found import FoundContainer
from faults.undo import Undo


class ContainersUndo(Undo):
    """Put each of `containers` back to what was found, through the engine at `engine`.

    Docker has no lease: what nobody heals stays. `kind` is the fault's; `cut` the ids of the networks that it takes
    containers out of; `settle_s`, how long a container may take to end once it was sent a signal; `since`, a moment of
    the engine's clock before anything was done (UTC, ISO 8601); `ahead_s`, by how much that clock is ahead of ours.
    """

    door: Literal["containers"] = "containers"
    engine: str
    kind: str
    containers: tuple[FoundContainer, ...]
    cut: tuple[str, ...] = ()
    settle_s: float = 0.0
    since: str = ""
    ahead_s: float = 0.0

    @property
    def hit(self) -> tuple[str, ...]:
        return tuple(c.short for c in self.containers)
