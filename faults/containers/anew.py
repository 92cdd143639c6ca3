"""What can be lost when a container is started anew, or joins its network anew: then it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faults.containers.found import FoundContainer
from faults.containers.look import Look
from faults.containers.params import AnewParams
from faults.containers.selection import Candidate
from harness.errors import Refused

_ANY = (None, "", "0")


def refuse_another_port(candidate: Candidate, params: AnewParams, look: Look) -> None:
    """Raises Refused where the engine chose the numbers under which ports are published: it would choose others."""
    floating = _floating_ports(candidate.attributes)
    if floating and params.allow_new_port is not True:
        what = f"the engine chose the port under which {candidate.found.short} publishes {', '.join(floating)}, and " \
            "would choose another one"  # fmt: skip
        mend = "publish it under a fixed port (127.0.0.1:8080:80), or write allow_new_port: true if nobody needs it"
        raise Refused(what, where=look.where, mend=mend)


def _floating_ports(attributes: Mapping[str, Any]) -> list[str]:
    """The ports that a container publishes under numbers of the engine's choice."""
    host = attributes.get("HostConfig") or {}
    published = (attributes.get("NetworkSettings") or {}).get("Ports") or {}
    asked: Mapping[str, Sequence[Mapping[str, Any]]] = host.get("PortBindings") or {}
    fixed = {inside for inside, bound in asked.items() if bound and all(b.get("HostPort") not in _ANY for b in bound)}
    return [inside for inside, bindings in sorted(published.items()) if bindings and inside not in fixed]


def refuse_what_would_be_lost(candidate: Candidate, params: AnewParams, look: Look) -> None:
    """Raises Refused for a container that could not be started again as it was."""
    found, host = candidate.found, candidate.attributes.get("HostConfig") or {}
    refuse_another_port(candidate, params, look)
    if host.get("AutoRemove"):
        what = f"the engine removes {found.short} when it ends (--rm): it could not be started again"
        raise Refused(what, where=look.where, mend="use container-pause, or run it without --rm")
    sharing = _sharing(look.writer.listed(look.deadline), found)
    if sharing:
        what = f"{', '.join(sharing)} shares the network of {found.short} and would lose it for good"
        raise Refused(what, where=look.where, mend="use container-pause")


def _sharing(listed: Sequence[Mapping[str, Any]], found: FoundContainer) -> list[str]:
    modes = {f"container:{found.id}", f"container:{found.name}"}
    return [
        str((entry.get("Names") or [entry["Id"]])[0]).removeprefix("/")
        for entry in listed
        if (entry.get("HostConfig") or {}).get("NetworkMode") in modes
    ]
