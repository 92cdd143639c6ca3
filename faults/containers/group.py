"""The platform's containers as faults see them: those that the target chooses, and no other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.reach.allow_list import AllowList

if TYPE_CHECKING:
    from harness.reach.container_roster import ContainerChoice
    from harness.reach.container_writer import ContainerWriter


@dataclass(frozen=True, slots=True)
class ContainerGroup:
    """`choice`: the target's own; `toxiproxy`: where its Toxiproxy answers (host, port), which is never hit."""

    choice: ContainerChoice
    allow: AllowList = field(repr=False)
    toxiproxy: tuple[str, int] | None = None

    def open(self) -> ContainerWriter:
        """A door to the engine, not connected yet; the caller closes it."""
        from harness.reach.container_writer import ContainerWriter  # noqa: PLC0415 - docker is slow to import, and only who touches containers needs it

        return ContainerWriter(self.choice.engine, allow=self.allow)
