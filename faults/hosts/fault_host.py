"""A host of the target, as a fault sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clock import Deadline
from harness.reach.allow_list import AllowList

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

Who = tuple[int, int]
"""A process for good: its pid, and when it started in ticks since the host's start."""


@dataclass(frozen=True, slots=True)
class FaultHost:
    """`ssh`, `identity` and `known_hosts` as the target has them. `processes`: the patterns by the names under which
    they are watched; `find_processes` asks the host which they are now, with their children. Raises ReachFailed."""

    name: str
    ssh: str
    allow: AllowList
    find_processes: Callable[[SshDoor, str, Deadline], tuple[Who, ...]]
    identity: Path | None = None
    known_hosts: Path | None = None
    processes: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> SshDoor:
        """A connection of the fault's own, made when it is first used; whoever opens it closes it."""
        from harness.reach.ssh import SshDoor  # noqa: PLC0415 - heavy, and every process of ours imports the catalog

        return SshDoor(self.name, self.ssh, allow=self.allow, identity=self.identity, known_hosts=self.known_hosts)
