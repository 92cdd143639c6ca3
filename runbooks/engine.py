"""The containers of a target: watched, and collected from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from harness.clock import Clock, Deadline
from harness.errors import ReachFailed
from harness.evidence.container_collection import ContainerCollection
from harness.journal.record import Record
from harness.monitor.container_watch import ContainerWatch
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import ContainerChoice, ContainerRoster
from harness.reach.docker import DockerDoor
from runbooks.parsing.collect_entry import ALL_CONTAINERS
from runbooks.parsing.reading_glob import CONTAINERS

LOOK_S = 3.0


class Engine:
    """The door to the engine of a target's containers, and what goes through it."""

    def __init__(self, choice: ContainerChoice, allow: AllowList, clock: Clock) -> None:
        self._choice = choice
        self._clock = clock
        self._door = DockerDoor(choice.engine, allow=allow)
        self._roster = ContainerRoster(choice, self._door)

    def watch(self, emit: Callable[[Record], None]) -> ContainerWatch:
        """The readings and crashes of all containers; not started."""
        return ContainerWatch(self._roster, emit, self._clock)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the containers that were seen; they are looked for where none was. Waits 3 s at most."""
        if not self._roster.sources:
            with suppress(ReachFailed):
                self._roster.look(Deadline.after(LOOK_S))
        return self._roster.sources

    def collections(self, collect: Sequence[str]) -> tuple[ContainerCollection, ...]:
        """What is collected, as the runbook's `collect` says."""
        if ALL_CONTAINERS in collect:
            return (ContainerCollection(self._roster, self._clock),)
        only = [name.removeprefix(CONTAINERS) for name in collect if self._is_container(name)]
        return (ContainerCollection(self._roster, self._clock, only),) if only else ()

    def close(self) -> None:
        """Lets go of the connections."""
        self._door.close()

    def _is_container(self, name: str) -> bool:
        return name.startswith(CONTAINERS) or name in self._choice.names
