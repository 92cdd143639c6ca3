"""What each kind of fault does to one container, and how it is seen there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from faults.containers.anew import refuse_another_port, refuse_what_would_be_lost
from faults.containers.found import FoundContainer, Part
from faults.containers.look import Look
from faults.containers.params import (
    CpuParams,
    KillParams,
    MemoryParams,
    NetworkParams,
    PauseParams,
    RestartParams,
    StopParams,
)
from faults.containers.selection import Candidate
from faults.containers.usage import Counters
from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout, Refused
from harness.reach.container_facts import ContainerState

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter

_SLACK_S = 5.0
_AGAIN_S = 0.3
_LEAST_QUOTA_US = 1000
_PERIOD_US = 100_000


class Act(Protocol):
    """One kind's work on containers. `leaves`: parts of a container that other kinds may change at the same time;
    `ends`: whether its processes end, so that only events tell how; `silences`: whether it carries no traffic then."""

    leaves: tuple[Part, ...]
    ends: bool
    silences: bool

    def check(self, candidate: Candidate, look: Look) -> None:
        """Raises Refused or ReachFailed where the fault can't be played on it or could not be healed exactly."""

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        """Raises ReachFailed."""

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        """Whether the engine has it as it was injected."""


class Pause:
    leaves: tuple[Part, ...] = ("cpu", "memory")
    ends = False
    silences = True

    def __init__(self, params: PauseParams) -> None:
        self.params = params

    def check(self, candidate: Candidate, look: Look) -> None:
        """Every container can be paused."""

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        deadline = Deadline.after(_SLACK_S)
        while True:
            try:
                writer.pause(found.id, deadline)
            except ReachTimeout:
                raise
            except ReachFailed:
                # the kernel's first freezer gives up on a container that is short of CPU, and can be asked again
                if deadline.left_s() <= _AGAIN_S:
                    raise
                threading.Event().wait(_AGAIN_S)
            else:
                return

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        return now is not None and now.status == "paused" and now.started_at == found.started_at


class Stop:
    leaves: tuple[Part, ...] = ("cpu", "memory")
    ends = True
    silences = True

    def __init__(self, params: StopParams) -> None:
        self.params = params

    def check(self, candidate: Candidate, look: Look) -> None:
        refuse_what_would_be_lost(candidate, self.params, look)

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        grace_s = self.params.grace_s
        writer.stop(found.id, grace_s, Deadline.after(grace_s + _SLACK_S))

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        del found
        return now is not None and now.status == "exited"


class Restart:
    """Over in a moment: what stays is that it was started anew."""

    leaves: tuple[Part, ...] = ("cpu", "memory")
    ends = True
    silences = False

    def __init__(self, params: RestartParams) -> None:
        self.params = params

    def check(self, candidate: Candidate, look: Look) -> None:
        refuse_what_would_be_lost(candidate, self.params, look)

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        grace_s = self.params.grace_s
        writer.restart(found.id, grace_s, Deadline.after(grace_s + 2 * _SLACK_S))

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        return now is not None and now.started_at != found.started_at


class Kill:
    """The engine takes a kill through its API for a stop by hand: no restart policy starts the container again."""

    leaves: tuple[Part, ...] = ("cpu", "memory")
    ends = True
    silences = True

    def __init__(self, params: KillParams) -> None:
        self.params = params

    def check(self, candidate: Candidate, look: Look) -> None:
        refuse_what_would_be_lost(candidate, self.params, look)

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        writer.kill(found.id, self.params.signal, Deadline.after(_SLACK_S))

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        return now is None or now.status == "exited" or now.started_at != found.started_at


class NetworkCut:
    leaves: tuple[Part, ...] = ("cpu", "memory")
    ends = False
    silences = True

    def __init__(self, params: NetworkParams) -> None:
        self.params = params

    def check(self, candidate: Candidate, look: Look) -> None:
        found, mode = candidate.found, _network_mode(candidate.attributes)
        if mode in ("host", "none") or mode.startswith("container:"):
            what = f"{found.short} has no network of its own (network mode {mode.partition(':')[0]})"
            raise ReachFailed(what, where=look.where, mend="cut the container that has the network, or pause this one")
        if not self.cut_of(found):
            names = ", ".join(e.network for e in found.networks) or "none"
            wanted = f"the network {self.params.network}" if self.params.network else "any network"
            raise ReachFailed(f"{found.short} is not in {wanted}; it is in: {names}", where=look.where)
        refuse_another_port(candidate, self.params, look)

    def cut_of(self, found: FoundContainer) -> tuple[str, ...]:
        """The ids of the networks that it is taken out of; Compose's own names have the project in front."""
        wanted = self.params.network
        meant = [e for e in found.networks if wanted is None or e.network == wanted]
        meant = meant or [e for e in found.networks if e.network.endswith(f"_{wanted}")]
        return tuple(e.network_id for e in meant)

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        for network in self.cut_of(found):
            writer.disconnect(network, found.id, Deadline.after(_SLACK_S))

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        return now is not None and not any(now.endpoint(network) for network in self.cut_of(found))


class CpuLimit:
    leaves: tuple[Part, ...] = ("memory",)
    ends = False
    silences = False

    def __init__(self, params: CpuParams) -> None:
        self.params = params
        self._limits: dict[str, Mapping[str, int]] = {}

    def check(self, candidate: Candidate, look: Look) -> None:
        found = candidate.found
        may_use = ContainerState.of(candidate.attributes).cpus or look.writer.machine_cpus(look.deadline)
        cpus = self.params.cpus(may_use)
        if cpus >= may_use:
            what = f"{found.short} may use {may_use:.3g} CPUs: a limit of {cpus:.3g} takes nothing from it"
            raise ReachFailed(what, where=look.where, mend="write a smaller limit")
        self._limits[found.id] = cpu_limits(found, cpus)

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        writer.update(found.id, self._limits[found.id], Deadline.after(_SLACK_S))

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        limits = self._limits[found.id]
        if now is None:
            return False
        return (limits.get("NanoCpus", now.nano_cpus), limits.get("CpuQuota", now.cpu_quota_us)) == (
            now.nano_cpus,
            now.cpu_quota_us,
        )

    def cpus(self, found: FoundContainer) -> float:
        """What it may use under the fault."""
        limits = self._limits[found.id]
        quota = limits.get("CpuQuota", 0) / (found.cpu_period_us or _PERIOD_US)
        return limits["NanoCpus"] / 1e9 if "NanoCpus" in limits else quota


class MemoryLimit:
    leaves: tuple[Part, ...] = ("cpu",)
    ends = False
    silences = False

    def __init__(self, params: MemoryParams) -> None:
        self.params = params

    def check(self, candidate: Candidate, look: Look) -> None:
        found, limit = candidate.found, self.params.limit
        if not found.memory_bytes:
            what = f"{found.short} has no memory limit, and an engine can't take one off again"
            mend = f"give it one first: docker update --memory 1g --memory-swap 1g {found.ref}, or mem_limit in Compose"
            raise Refused(what, where=look.where, mend=mend)
        if limit >= found.memory_bytes:
            what = f"{found.short} has {found.said_memory} already: {limit / 2**20:.5g} MiB takes nothing from it"
            raise ReachFailed(what, where=look.where, mend="write a smaller limit")
        if limit < found.memory_reservation_bytes:
            reserved = f"{found.memory_reservation_bytes / 2**20:.5g} MiB"
            what = f"{found.short} has a memory reservation of {reserved}: no engine sets a limit below it"
            raise ReachFailed(what, where=look.where, mend=f"write limit: {found.memory_reservation_bytes} or more")
        stats = look.writer.stats(found.id, look.deadline)
        counters = Counters.of(stats) if stats else None
        if counters is not None and counters.memory_bytes > limit and not self.params.oom:
            used = f"{counters.memory_bytes / 2**20:.4g} MiB"
            what = f"{found.short} uses {used} now, more than the limit of {limit / 2**20:.5g} MiB"
            raise Refused(what, where=look.where, mend="write oom: true if its processes may be killed for it")

    def inject(self, writer: ContainerWriter, found: FoundContainer) -> None:
        writer.update(found.id, self.limits(found), Deadline.after(_SLACK_S))

    def limits(self, found: FoundContainer) -> dict[str, int]:
        """The limit, and as much swap beside it as was found."""
        limit, swap = self.params.limit, found.memory_swap_bytes
        beside = limit + max(0, swap - found.memory_bytes) if swap > 0 else swap
        return {"Memory": limit, "MemorySwap": beside} if swap else {"Memory": limit}

    def is_on(self, found: FoundContainer, now: FoundContainer | None) -> bool:
        del found
        return now is not None and now.memory_bytes == self.params.limit


ACTS: Mapping[type[BaseModel], Callable[[Any], Act]] = MappingProxyType(
    {
        PauseParams: Pause,
        StopParams: Stop,
        RestartParams: Restart,
        KillParams: Kill,
        NetworkParams: NetworkCut,
        CpuParams: CpuLimit,
        MemoryParams: MemoryLimit,
    }
)


def act_of(params: BaseModel) -> Act:
    """The act that a fault's parameters ask for."""
    return ACTS[type(params)](params)


def cpu_limits(found: FoundContainer, cpus: float) -> dict[str, int]:
    """The limit in the words in which the container has its own: an engine refuses to mix them."""
    if found.nano_cpus > 0:
        return {"NanoCpus": round(cpus * 1e9)}
    return {"CpuQuota": max(_LEAST_QUOTA_US, round(cpus * (found.cpu_period_us or _PERIOD_US)))}


def _network_mode(attributes: Mapping[str, Any]) -> str:
    return str((attributes.get("HostConfig") or {}).get("NetworkMode", ""))
