"""The faults on containers."""

from __future__ import annotations

from pydantic import BaseModel

from faults.containers import params
from faults.containers.fault import ContainerFault
from faults.kind import FaultKind

_NEEDS = "containers: in the target; count or share where more than one container matches"
_NO_LEASE = "Docker has no lease: with both our processes dead it stays until gameday heal"
_ENDS = f"{_NEEDS}; not for containers with --rm"


def _kind(
    name: str,
    summary: str,
    model: type[BaseModel],
    *,
    proven: str,
    healed: str,
    needs: str = _NEEDS,
    example: str = "",
) -> FaultKind:
    return FaultKind(
        name,
        summary,
        model,
        ContainerFault,
        params.expected,
        on="container",
        needs=needs,
        proven=proven,
        healed=f"{healed}. {_NO_LEASE}",
        example=example,
    )


CONTAINER_KINDS: tuple[FaultKind, ...] = (
    _kind(
        "container-pause",
        "all processes of a container are frozen: it takes connections and answers nothing",
        params.PauseParams,
        proven="the engine says paused, it uses no CPU, and a published port says nothing",
        healed="docker unpause ID",
    ),
    _kind(
        "container-stop",
        "a container is stopped as docker stop does, and stays down",
        params.StopParams,
        proven="it has ended, and a published port refuses",
        healed="docker start ID",
        needs=_ENDS,
    ),
    _kind(
        "container-kill",
        "a container's first process is killed by a signal, and stays down",
        params.KillParams,
        proven="its exit was seen (137 for SIGKILL), and a published port refuses",
        healed="docker start ID",
        needs=_ENDS,
    ),
    _kind(
        "container-restart",
        "a container is restarted as docker restart does",
        params.RestartParams,
        proven="it was started anew",
        healed="docker start ID, where it does not run",
        needs=_ENDS,
    ),
    _kind(
        "container-network",
        "a container is taken out of one of its networks, or of all",
        params.NetworkParams,
        proven="its endpoint is gone, and with its last network its published port",
        healed="docker network connect, with the aliases, links and fixed addresses that were found",
        needs=f"{_NEEDS}; a network of its own",
    ),
    _kind(
        "container-cpu",
        "a container gets less CPU time",
        params.CpuParams,
        proven="the limit is set, the kernel counts by it, and no more is used; at the platform, that it is held back",
        healed="docker update with the limit that was found",
        example="limit: 25%",
    ),
    _kind(
        "container-memory",
        "a container gets less memory",
        params.MemoryParams,
        proven="the kernel's own limit is the one asked for",
        healed="docker update with the limits that were found",
        needs=f"{_NEEDS}; a memory limit: an engine can't take one off again",
        example="limit: 128MiB",
    ),
)
