"""What preflight asks of the world: reads only, each in bounded time. Tests put a fake world here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.reach.toxiproxy_state import ProxyState
from runbooks.runbook import LoadPlan
from runbooks.target import Cache, Database, Host, Toxiproxy


@dataclass(frozen=True, slots=True)
class ToxiproxyFacts:
    """A server that answers. `api_url` is where."""

    api_url: str
    version: str
    proxies: tuple[ProxyState, ...] = ()

    def proxy(self, name: str) -> ProxyState | None:
        return next((proxy for proxy in self.proxies if proxy.name == name), None)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A database as its role sees it. `free`: slots left below max_connections and what is reserved."""

    version: str
    role: str
    superuser: bool
    sees_sessions: bool
    max_connections: int
    free: int


@dataclass(frozen=True, slots=True)
class LogFacts:
    """A log path or glob on a host: how many files it means, and how many of them can be read."""

    path: str
    files: int
    readable: int


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host that let us in, its key verified. `warnings` are about known_hosts."""

    logs: tuple[LogFacts, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadFacts:
    """A Locust file that could be imported."""

    users: Sequence[str] = ()
    tags: Sequence[str] = field(default=())
    has_shape: bool = False


class World(Protocol):
    """The doors. Every method raises ReachFailed (NotAllowed, HostKeyRefused, ReachTimeout), in bounded time."""

    def web(self, url: str) -> int:
        """The status that a GET answers with."""

    def connects(self, host: str, port: int) -> None:
        """Nothing when TCP connects."""

    def toxiproxy(self, server: Toxiproxy) -> ToxiproxyFacts | None:
        """The server, or None when a managed one does not run yet."""

    def toxiproxy_program(self) -> tuple[bool, str]:
        """Whether a managed server's program is here, and where it is or would come from."""

    def host(self, host: Host) -> HostFacts: ...

    def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts: ...

    def cache(self, cache: Cache, via: tuple[str, int] | None) -> str:
        """The server's version."""

    def slack(self, token: str, url: str | None) -> str:
        """Who the token is."""

    def locust(self, load: LoadPlan) -> LoadFacts:
        """Also raises LoadFailed or BadInput when the file can't be imported."""
