"""The platform as it was found and as a person described it: what the first target and runbook are written from."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Where TCP goes."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FoundProxy:
    """A proxy of the Toxiproxy that runs already, its addresses as the server tells them."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Found:
    """A database or a cache. `written` goes into the target (references, never secrets); `through` is its proxy, or
    ""; `unset` are the environment variables that it needs and that are not set."""

    written: str
    place: Place
    through: str = ""
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundHost:
    """A host reached over SSH; `allow` are the hosts on the way to it, itself last. Paths are written as they are."""

    name: str
    ssh: str
    allow: tuple[str, ...]
    identity: str = ""
    known_hosts: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """`labels` are those of its containers; `locustfile` is one that is there already, or "" to write one. `notes`
    tell the person what was left out and why."""

    name: str
    environment: str
    base_url: str
    allow: tuple[str, ...]
    toxiproxy_url: str = ""
    proxies: tuple[FoundProxy, ...] = ()
    database: Found | None = None
    cache: Found | None = None
    hosts: tuple[FoundHost, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    locustfile: str = ""
    slack: str = ""
    notes: tuple[str, ...] = ()

    @property
    def unset(self) -> tuple[str, ...]:
        """Environment variables that must be exported before anything else."""
        needed = [name for found in (self.database, self.cache) if found is not None for name in found.unset]
        return tuple(dict.fromkeys(needed))
