"""The look that preflight takes at the containers."""

from __future__ import annotations

from harness.clock import Deadline
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import ContainerChoice, ContainerRoster
from harness.reach.docker import DockerDoor
from runbooks.preflight.doors import ContainersFacts


def look_at_containers(choice: ContainerChoice, allow: AllowList, timeout_s: float) -> ContainersFacts:
    """The engine and the chosen containers as they are now. Raises ReachFailed."""
    door, deadline = DockerDoor(choice.engine, allow=allow), Deadline.after(timeout_s)
    try:
        engine = door.facts(deadline)
        members = ContainerRoster(choice, door).look(deadline)
        states = ((member, door.inspect(member.listed.id, deadline)) for member in members)
        found = tuple((member, state) for member, state in states if state is not None)
        listed = door.list(deadline)
    finally:
        door.close()
    others = dict.fromkeys([*(c.service for c in listed if c.service), *(c.name for c in listed)])
    return ContainersFacts(engine, found, tuple(others))
