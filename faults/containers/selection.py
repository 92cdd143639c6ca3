"""Which containers a fault hits: those of the target that match, never more than the stated blast radius."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults.containers.found import FoundContainer
from faults.containers.group import ContainerGroup
from faults.containers.params import ContainerParams
from faults.fault import FaultPlan
from harness.clock import Deadline
from harness.errors import GamedayError, ReachFailed, Refused

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter

PROTECT_LABEL = "gameday.protect"
"""Containers with this label are never hit, unless its value is false."""
_OFF = ("false", "no", "0", "off")
_TOXIPROXY = "toxiproxy"
_OWN_ID = re.compile(r"\b[0-9a-f]{64}\b")
_SHORT_ID = re.compile(r"[0-9a-f]{12}")
_OWN_MOUNTS = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
_MOST_TOLD = 6

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A container that matches: as found, and what the engine says of it. `attributes` hold its environment."""

    found: FoundContainer
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Selection:
    """`hit`: whom the fault may act on, by name. `running`: how many match and run; `left_out`: who matches and is
    never hit or does not run, with the reason."""

    hit: tuple[Candidate, ...]
    running: int
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        return ", ".join(candidate.found.short for candidate in self.hit)


def select(writer: ContainerWriter, group: ContainerGroup, plan: FaultPlan, deadline: Deadline) -> Selection:
    """The containers that a fault would hit now, by reading alone; the same ones each time, while the same are there.

    Raises Refused where more match than the runbook allows, ReachFailed where none can be hit or the engine fails.
    """
    assert isinstance(plan.params, ContainerParams)
    sound: list[Candidate] = []
    never: list[str] = []
    idle: list[str] = []
    for short, attributes in _matching(writer, group, plan, deadline):
        found = FoundContainer.of(attributes, short)
        if reason := kept_from(attributes, group):
            never.append(f"{short} ({reason})")
        elif not found.runs:
            idle.append(f"{short} (it is {found.status})")
        else:
            sound.append(Candidate(found, attributes))
    if not sound:
        raise _nobody(plan, writer.where, never, idle)
    most = plan.params.most(len(sound))
    if most is None and len(sound) > 1:
        raise _too_broad(plan, [candidate.found.short for candidate in sound])
    return Selection(tuple(sound[: most or 1]), len(sound), (*never, *idle))


def kept_from(attributes: Attributes, group: ContainerGroup) -> str:
    """Why a container is never hit; "" for one that may be."""
    config = attributes.get("Config") or {}
    name, labels = str(attributes["Name"]).removeprefix("/"), config.get("Labels") or {}
    if PROTECT_LABEL in labels and str(labels[PROTECT_LABEL]).lower() not in _OFF:
        return f"it has the label {PROTECT_LABEL}"
    if str(attributes["Id"]).startswith(tuple(own_ids())):
        return "gameday runs in it"
    image = str(config.get("Image", "")).partition("@")[0].rpartition("/")[2]
    if _TOXIPROXY in image.lower() or _TOXIPROXY in name.lower() or _is_at(attributes, group.toxiproxy, name):
        return "it is Toxiproxy"
    return ""


@lru_cache(maxsize=1)
def own_ids() -> frozenset[str]:
    """Ids of the container that this process runs in, as far as Linux tells them; none outside of one."""
    found = {name} if _SHORT_ID.fullmatch(name := socket.gethostname()) else set()
    for path in ("/proc/self/cgroup", "/proc/self/mountinfo"):
        try:
            text = Path(path).read_text(errors="replace")
        except OSError:
            continue
        # the host's own mounts name every container there is
        lines = [line for line in text.splitlines() if path.endswith("cgroup") or any(m in line for m in _OWN_MOUNTS)]
        found.update(own for line in lines for own in _OWN_ID.findall(line))
    return frozenset(found)


def _matching(
    writer: ContainerWriter, group: ContainerGroup, plan: FaultPlan, deadline: Deadline
) -> Sequence[tuple[str, Attributes]]:
    """Short name and attributes of the target's containers that the runbook's name and labels mean, by name."""
    from harness.reach.container_roster import ContainerRoster  # noqa: PLC0415 - docker is slow to import, and only who touches containers needs it

    assert isinstance(plan.params, ContainerParams)
    members = ContainerRoster(group.choice, writer).look(deadline)
    labels = plan.params.wanted_labels
    labelled = {str(entry["Id"]) for entry in writer.listed(deadline, labels)} if labels else None
    meant = [
        m
        for m in members
        if any(fnmatchcase(name, plan.place) for name in (m.short, m.listed.name))
        and (labelled is None or m.listed.id in labelled)
    ]
    if not meant:
        shorts = ", ".join(m.short for m in members[:_MOST_TOLD]) or "none"
        what = f"no container of the target is {_said(plan)}; there are: {shorts}"
        raise ReachFailed(what, where=writer.where, mend="name one of these, or a glob such as api-*")
    inspected = ((m.short, writer.attributes(m.listed.id, deadline)) for m in meant)
    return [(short, attributes) for short, attributes in inspected if attributes is not None]


def _is_at(attributes: Attributes, toxiproxy: tuple[str, int] | None, name: str) -> bool:
    """Whether the Toxiproxy's address is this container's: its name or alias in a network, or a port it publishes."""
    if toxiproxy is None:
        return False
    host, port = toxiproxy
    settings = attributes.get("NetworkSettings") or {}
    networks = (settings.get("Networks") or {}).values()
    aliases = {name, *(alias for said in networks for alias in said.get("Aliases") or ())}
    addresses = {str(said.get("IPAddress", "")) for said in networks}
    bindings = [b for bound in (settings.get("Ports") or {}).values() for b in bound or ()]
    return host in aliases | addresses or any(str(b.get("HostPort")) == str(port) for b in bindings)


def _said(plan: FaultPlan) -> str:
    assert isinstance(plan.params, ContainerParams)
    labels = f"with {plan.params.labels}" if plan.params.labels else ""
    return f"called {plan.place} {labels}".strip() if plan.place != "*" or not labels else labels


def _nobody(plan: FaultPlan, where: str, never: Sequence[str], idle: Sequence[str]) -> GamedayError:
    if never:
        return Refused(f"it would hit {', '.join(never)}", where=plan.name, mend="choose other containers")
    what = f"no container {_said(plan)} runs: {', '.join(idle)}"
    return ReachFailed(what, where=where, mend="start the platform: docker compose up -d")


def _too_broad(plan: FaultPlan, shorts: Sequence[str]) -> Refused:
    more = f" and {len(shorts) - _MOST_TOLD} more" if len(shorts) > _MOST_TOLD else ""
    what = f"{len(shorts)} containers are {_said(plan)}: {', '.join(shorts[:_MOST_TOLD])}{more}"
    return Refused(what, where=plan.name, mend="say how many may be hit: count: 1, or share: 50%")
