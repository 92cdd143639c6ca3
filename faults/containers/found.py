"""A container as it was found: all that a fault on it may change, and what it is healed to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import ReachFailed

Part = Literal["status", "restart policy", "cpu", "memory", "networks"]
_SHORT_ID = 12
_PERIOD_US = 100_000  # the kernel's own, where none is set


@contextmanager
def readable(where: str = "") -> Iterator[None]:
    """What an engine said is read in here: ReachFailed where it is not what engines say. Its words are not repeated,
    since they hold the container's environment."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the engine's answer can't be read ({type(error).__name__})"
        raise ReachFailed(what, where=where, mend="is it Docker?") from None


class FoundEndpoint(BaseModel):
    """A container's endpoint in a network. `static`: the addresses that it was given by hand (IPAMConfig);
    `address`: the one that it had, by hand or from the network's pool."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    network: str  # its name
    network_id: str
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    static: dict[str, Any] = Field(default_factory=dict)
    driver_opts: dict[str, str] = Field(default_factory=dict)
    gateway_priority: int = 0
    address: str = ""

    @classmethod
    def of(cls, network: str, said: Mapping[str, Any], container_id: str) -> FoundEndpoint:
        """From an entry of NetworkSettings.Networks."""
        # the engine adds the short id by itself, each time
        aliases = tuple(a for a in said.get("Aliases") or () if a != container_id[:_SHORT_ID])
        static = {key: value for key, value in (said.get("IPAMConfig") or {}).items() if value}
        return cls(
            network=network,
            network_id=str(said.get("NetworkID", "")),
            aliases=aliases,
            links=tuple(said.get("Links") or ()),
            static=static,
            driver_opts=dict(said.get("DriverOpts") or {}),
            gateway_priority=int(said.get("GwPriority") or 0),
            address=str(said.get("IPAddress") or said.get("GlobalIPv6Address") or ""),
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The EndpointConfig that makes it again."""
        said = {
            "IPAMConfig": self.static,
            "Links": list(self.links),
            "Aliases": list(self.aliases),
            "DriverOpts": self.driver_opts,
            "GwPriority": self.gateway_priority,
        }
        return {key: value for key, value in said.items() if value}

    @property
    def identity(self) -> tuple[object, ...]:
        """What must be the same after healing; an address from the pool need not."""
        static = tuple(sorted((key, str(value)) for key, value in self.static.items()))
        return self.network, frozenset(self.aliases), frozenset(self.links), static


class FoundContainer(BaseModel):
    """A container at one moment. `short`: as readings and evidence call it. Limits as HostConfig has them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    short: str
    status: str
    started_at: str
    oom_killed: bool = False
    restart_policy: str = ""
    restart_retries: int = 0
    nano_cpus: int = 0
    cpu_quota_us: int = 0
    cpu_period_us: int = 0
    memory_bytes: int = 0
    memory_swap_bytes: int = 0
    memory_reservation_bytes: int = 0
    networks: tuple[FoundEndpoint, ...] = ()
    ports: dict[str, str] = Field(default_factory=dict)  # what it publishes, and where

    @classmethod
    def of(cls, attrs: Mapping[str, Any], short: str = "") -> FoundContainer:
        """From what `inspect` answers. Raises ReachFailed where that is no container."""
        with readable():
            return cls._of(attrs, short)

    @classmethod
    def _of(cls, attrs: Mapping[str, Any], short: str) -> FoundContainer:
        host, state = attrs.get("HostConfig") or {}, attrs["State"]
        policy = host.get("RestartPolicy") or {}
        settings = attrs.get("NetworkSettings") or {}
        networks = settings.get("Networks") or {}
        container, name = str(attrs["Id"]), str(attrs["Name"]).removeprefix("/")
        return cls(
            id=container,
            name=name,
            short=short or name,
            status=str(state.get("Status", "")),
            started_at=str(state.get("StartedAt", "")),
            oom_killed=bool(state.get("OOMKilled")),
            restart_policy=str(policy.get("Name") or "no"),
            restart_retries=int(policy.get("MaximumRetryCount") or 0),
            nano_cpus=int(host.get("NanoCpus") or 0),
            cpu_quota_us=int(host.get("CpuQuota") or 0),
            cpu_period_us=int(host.get("CpuPeriod") or 0),
            memory_bytes=int(host.get("Memory") or 0),
            memory_swap_bytes=int(host.get("MemorySwap") or 0),
            memory_reservation_bytes=int(host.get("MemoryReservation") or 0),
            networks=tuple(FoundEndpoint.of(n, said, container) for n, said in sorted(networks.items())),
            ports={port: _bound(bindings) for port, bindings in (settings.get("Ports") or {}).items() if bindings},
        )

    @property
    def ref(self) -> str:
        """The id as people type it."""
        return self.id[:_SHORT_ID]

    @property
    def runs(self) -> bool:
        return self.status == "running"

    @property
    def cpus(self) -> float | None:
        """How many CPUs' worth of time it may use; None without a limit."""
        if self.nano_cpus > 0:
            return self.nano_cpus / 1e9
        return self.cpu_quota_us / (self.cpu_period_us or _PERIOD_US) if self.cpu_quota_us > 0 else None

    @property
    def said_cpus(self) -> str:
        return f"{self.cpus:.3g} CPUs" if self.cpus is not None else "no limit on CPU"

    @property
    def said_memory(self) -> str:
        mebibytes = f"{self.memory_bytes / 2**20:.5g} MiB"
        return f"a memory limit of {mebibytes}" if self.memory_bytes else "no limit on memory"

    def endpoint(self, network_id: str) -> FoundEndpoint | None:
        return next((e for e in self.networks if e.network_id == network_id), None)

    def differences(self, now: FoundContainer, leave_out: Collection[Part] = ()) -> tuple[str, ...]:
        """What of it is another than it was found, part by part."""
        return tuple(text for part, text in self._compare(now) if part not in leave_out)

    def moved(self, now: FoundContainer) -> tuple[str, ...]:
        """Addresses and ports of the engine's choice that are others now: it gives what is free."""
        ports = (
            f"{self.short}'s {inside} is published at {now.ports[inside]} now, it was at {bound}"
            for inside, bound in self.ports.items()
            if now.ports.get(inside, bound) != bound
        )
        pairs = ((e, now.endpoint(e.network_id)) for e in self.networks)
        addresses = (
            f"{self.short}'s address in {was.network} is {is_now.address} now, it was {was.address}"
            for was, is_now in pairs
            if is_now is not None and was.address and is_now.address and was.address != is_now.address
        )
        return (*addresses, *ports)

    def _compare(self, now: FoundContainer) -> Iterator[tuple[Part, str]]:
        if now.status != self.status:
            yield "status", f"{self.short} is {now.status}, it was {self.status}"
        if (now.restart_policy, now.restart_retries) != (self.restart_policy, self.restart_retries):
            yield (
                "restart policy",
                f"{self.short}'s restart policy is {now.restart_policy}, it was {self.restart_policy}",
            )
        if now.cpus != self.cpus:
            yield "cpu", f"{self.short} has {now.said_cpus}, it had {self.said_cpus}"
        if self._memory != now._memory:
            yield "memory", f"{self.short} has {now.said_memory}, it had {self.said_memory}"
        for was in self.networks:
            is_now = now.endpoint(was.network_id)
            if is_now is None:
                yield "networks", f"{self.short} is not in the network {was.network}"
            elif is_now.identity != was.identity:
                yield "networks", f"{self.short}'s aliases or fixed addresses in {was.network} are not as they were"

    @property
    def _memory(self) -> tuple[int, int, int]:
        return self.memory_bytes, max(self.memory_swap_bytes, -1), self.memory_reservation_bytes


def _bound(bindings: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{b.get('HostIp') or '*'}:{b.get('HostPort')}" for b in bindings)
