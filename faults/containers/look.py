"""How an engine is read while it is looked at what speaks against a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter


@dataclass(frozen=True, slots=True)
class Look:
    """How the engine is read until `deadline`."""

    writer: ContainerWriter
    deadline: Deadline

    @property
    def where(self) -> str:
        return self.writer.where
