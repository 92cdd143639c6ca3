"""The containers of a target as the faults on them see them."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from faults.containers.group import ContainerGroup
from harness.errors import BadInput
from harness.reach.allow_list import AllowList
from runbooks.target import Target


def container_group(target: Target, allow: AllowList) -> ContainerGroup:
    """Raises BadInput where the target names no containers."""
    if target.containers is None:
        mend = "add containers: {labels: {com.docker.compose.project: NAME}}: see docs/targets.md"
        raise BadInput("the target has no containers", where=str(target.path), mend=mend)
    return ContainerGroup(target.containers, allow, _toxiproxy(target))


def _toxiproxy(target: Target) -> tuple[str, int] | None:
    """Where a Toxiproxy of somebody else's answers; a managed one is a process of ours."""
    if target.toxiproxy is None or target.toxiproxy.managed:
        return None
    with suppress(ValueError):
        parts = urlsplit(target.toxiproxy.url)
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    return None
