"""The look that preflight takes at the containers."""

from __future__ import annotations

from faults.containers.act import act_of
from faults.containers.fault import chosen
from faults.fault import FaultPlan
from harness.clock import Deadline
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import ContainerChoice, ContainerRoster
from harness.reach.docker import DockerDoor
from runbooks.container_place import container_group
from runbooks.preflight.doors import ContainerHits, ContainersFacts
from runbooks.target import Target


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


def look_at_hits(target: Target, fault: FaultPlan, allow: AllowList) -> ContainerHits:
    """Whom a fault on containers would hit now. Raises Refused, ReachFailed."""
    group = container_group(target, allow)
    writer = group.open()  # nothing is written
    try:
        selection = chosen(writer, group, fault, act_of(fault.params))
    finally:
        writer.close()
    names = tuple(candidate.found.short for candidate in selection.hit)
    return ContainerHits(names, selection.running, selection.left_out)
