"""A target: the platform under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.reach.container_roster import ContainerChoice
from runbooks.bounds import BlastRadius, Hours, LiveKey


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
    `folder`. Else `url` is somebody's own: only our toxics are touched. `host`: the host of the target that it runs on,
    where that is another machine: the lease keeper stands there."""

    managed: bool
    url: str = ""
    folder: Path | None = None
    host: str = ""


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
    """`exhaust_dsn` and `platform_dsn` serve the faults on it: the role whose sessions they are, the platform's own."""

    name: str
    dsn: Secret
    through: str = ""
    exhaust_dsn: Secret | None = None
    platform_dsn: Secret | None = None


@dataclass(frozen=True, slots=True)
class Cache:
    name: str
    url: Secret
    through: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A host reached over SSH: `ssh` is "user@host:port" or a name in the user's ssh_config. `processes`: those that
    are watched, by name: a part of the command line with `*` for anything."""

    name: str
    ssh: str
    logs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    identity: Path | None = None
    known_hosts: Path | None = None
    processes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alerting:
    """The platform's alerting: `alertmanager` is its address, asked with a bearer `token`, or `user` and `password`, or
    neither; or it posts to the `webhook` that listens on (host, port, path)."""

    alertmanager: str = ""
    token: Secret | None = None
    user: str = ""
    password: Secret | None = None
    webhook: tuple[str, int, str] | None = None


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
    containers: ContainerChoice | None = None
    hidden: tuple[str, ...] = field(default=(), repr=False)  # passwords inside the secrets, each by itself
    warnings: tuple[str, ...] = ()  # what is odd in the file and no defect; preflight tells

    alerting: Alerting | None = None
    hours: tuple[Hours, ...] = ()  # when game days may be played; (): at any time
    blast_radius: BlastRadius | None = None
    live_keys: tuple[LiveKey, ...] = ()
    allow_also: tuple[str, ...] = ()  # of `allow`: what the command line added, not the file

    def secrets(self) -> tuple[str, ...]:
        """Every resolved secret value, for the redactor."""
        values = [d.dsn for d in self.databases.values()] + [c.url for c in self.caches.values()]
        values += [s for d in self.databases.values() for s in (d.exhaust_dsn, d.platform_dsn) if s is not None]
        if self.alerting is not None:
            values += [s for s in (self.alerting.token, self.alerting.password) if s is not None]
        return (*(s.value for s in values if s.value), *self.hidden)
