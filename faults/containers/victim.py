"""A container that a fault acts on."""

from __future__ import annotations

from dataclasses import dataclass

from faults.containers.found import FoundContainer
from faults.containers.knock import Answer, PublishedPort
from faults.containers.usage import Usage


@dataclass(frozen=True, slots=True)
class Victim:
    """A container as it was before the fault: what it used, and how its published port reacted; None where there is
    none, or nobody could say."""

    found: FoundContainer
    usage: Usage | None = None
    port: PublishedPort | None = None
    reacted: Answer | None = None
