"""A target: the platform under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that may hold a secret: `reference` is what the file says ("${DATABASE_URL}"), `value` what it means.

    It prints as its reference only.
    """

    reference: str
    value: str = field(repr=False)

    def __str__(self) -> str:
        return self.reference


@dataclass(frozen=True, slots=True)
class Toxiproxy:
    """The server that holds the proxies. `managed`: it is ours to start, stop and restart, and its state lives in
    `folder`. Else `url` is somebody's own: only our toxics are touched."""

    managed: bool
    url: str = ""
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. `probe`: "" (a database or cache goes through it), "http" with `probe_path`, or "tcp"."""

    name: str
    listen: str
    upstream: str
    probe: str = ""
    probe_path: str = "/"


@dataclass(frozen=True, slots=True)
class Database:
    name: str
    dsn: Secret
    through: str = ""


@dataclass(frozen=True, slots=True)
class Cache:
    name: str
    url: Secret
    through: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A host reached over SSH: `ssh` is "user@host:port" or a name in the user's ssh_config."""

    name: str
    ssh: str
    logs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    identity: Path | None = None
    known_hosts: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A validated target. `text` is the file as written: secrets in it are references."""

    path: Path
    text: str
    name: str
    environment: str
    base_url: str
    allow: tuple[str, ...]
    toxiproxy: Toxiproxy | None
    proxies: Mapping[str, Proxy]
    databases: Mapping[str, Database]
    caches: Mapping[str, Cache]
    hosts: Mapping[str, Host]
    containers: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = field(default=(), repr=False)  # passwords inside the secrets, each by itself
    warnings: tuple[str, ...] = ()  # what is odd in the file and no defect; preflight tells

    def secrets(self) -> tuple[str, ...]:
        """Every resolved secret value, for the redactor."""
        values = [d.dsn for d in self.databases.values()] + [c.url for c in self.caches.values()]
        return (*(s.value for s in values if s.value), *self.hidden)
