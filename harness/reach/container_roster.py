"""Which containers are the platform's, and how they are called in readings and evidence."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.clock import Deadline
from harness.reach.container_facts import ListedContainer
from harness.reach.docker import DockerDoor

_PROVISIONAL = re.compile(r"[0-9a-f]{12}_.+")


@dataclass(frozen=True, slots=True)
class ContainerChoice:
    """Containers that carry all of `labels` and have one of `names` (their own, or their Compose service's); what is
    left empty chooses all. `engine` as in DockerDoor."""

    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A container of the platform. `short` is what we call it: its Compose service if no other member has the same,
    else its name. It stays what it was when first seen."""

    short: str
    listed: ListedContainer

    @property
    def source(self) -> str:
        """The source of its readings."""
        return f"container.{self.short}"


class ContainerRoster:
    """The platform's containers, as an engine lists them from time to time. Thread-safe."""

    def __init__(self, choice: ContainerChoice, door: DockerDoor) -> None:
        self.choice = choice
        self.door = door
        self._lock = threading.Lock()
        self._shorts: dict[str, str] = {}  # by the container's name

    def look(self, deadline: Deadline) -> tuple[Member, ...]:
        """Those that are there now, stopped ones too. Raises ReachFailed."""
        chosen = chosen_of(self.door.list(deadline, self.choice.labels), self.choice.names)
        with self._lock:
            self._name(chosen)
            return tuple(Member(self._shorts[listed.name], listed) for listed in chosen)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the readings of all that were ever seen."""
        with self._lock:
            return tuple(f"container.{short}" for short in self._shorts.values())

    def _name(self, chosen: Sequence[ListedContainer]) -> None:
        services = Counter(listed.service for listed in chosen)
        for listed in chosen:
            if listed.name in self._shorts:
                continue
            alone = listed.service and services[listed.service] == 1 and listed.service not in self._shorts.values()
            self._shorts[listed.name] = listed.service if alone else listed.name


def chosen_of(listed: Sequence[ListedContainer], names: Sequence[str]) -> tuple[ListedContainer, ...]:
    """Those with one of `names`, all without names, in the order of their own names.

    Left out unless named: what `docker compose run` made, and what Compose has not yet given its name.
    """
    found = [c for c in listed if (is_named(c, names) if names else not (c.one_off or _PROVISIONAL.fullmatch(c.name)))]
    return tuple(sorted(found, key=lambda c: c.name))


def is_named(container: ListedContainer, names: Sequence[str]) -> bool:
    """Whether one of `names` is its own or its service's."""
    if container.name in names:
        return True
    return container.service in names and not container.one_off and not _PROVISIONAL.fullmatch(container.name)
