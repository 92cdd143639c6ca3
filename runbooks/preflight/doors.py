"""What preflight asks of the world: reads only, each in bounded time. Tests put a fake world here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from faults.cache_connections import RoomFacts
from faults.cache_rights import PauseFacts
from faults.fault import FaultPlan
from faults.hosts.host_fault import Look as HostLook
from faults.lease.lease import KeeperFacts
from faults.pause_holder import Rhythm
from faults.server_slots import SlotFacts
from faults.session_facts import SessionFacts, SessionWants
from harness.analysis.invariant import Answer
from harness.analysis.service_level import Invariant
from harness.reach.activity import Activity, Performed
from harness.reach.container_facts import ContainerState
from harness.reach.container_roster import ContainerChoice, Member
from harness.reach.docker import EngineFacts
from harness.reach.toxiproxy_state import ProxyState
from runbooks.claim_places import Seen
from runbooks.runbook import LoadPlan, RollbackStep
from runbooks.target import Alerting, Cache, Database, Host, Proxy, Toxiproxy


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
    """A database as its role sees it. `free`: slots left below max_connections and what is reserved. `started`: when
    its server did, which tells one from another."""

    version: str
    role: str
    superuser: bool
    sees_sessions: bool
    max_connections: int
    free: int
    started: str = ""


@dataclass(frozen=True, slots=True)
class LogFacts:
    """A log path or glob on a host: how many files it means, and how many of them can be read."""

    path: str
    files: int
    readable: int


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host that let us in, its key verified. `warnings` are about known_hosts. `processes`: how many there are of
    each that is watched; None where the host did not tell."""

    logs: tuple[LogFacts, ...] = ()
    warnings: tuple[str, ...] = ()
    processes: Mapping[str, int] | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadFacts:
    """A Locust file that could be imported."""

    users: Sequence[str] = ()
    tags: Sequence[str] = field(default=())
    has_shape: bool = False


@dataclass(frozen=True, slots=True)
class ContainersFacts:
    """The engine, and the containers that the target chooses. `others`: the names of all there are, and of their
    services, for who misspelt one."""

    engine: EngineFacts
    found: tuple[tuple[Member, ContainerState], ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerHits:
    """Whom a fault on containers would hit, of so many that match and run; `left_out`: who else matches, and why it is
    not hit."""

    names: tuple[str, ...]
    running: int
    left_out: tuple[str, ...] = ()


class World(Protocol):
    """The doors. Every method raises ReachFailed (NotAllowed, HostKeyRefused, ReachTimeout), in bounded time."""

    def web(self, url: str) -> int:
        """The status that a GET answers with."""

    def answer_bytes(self, proxy: Proxy, via: tuple[str, int] | None) -> int:
        """How many bytes the path that probes a proxy answers with; past the proxy where `via` is None."""

    def connects(self, host: str, port: int) -> None:
        """Nothing when TCP connects."""

    def toxiproxy(self, server: Toxiproxy) -> ToxiproxyFacts | None:
        """The server, or None when a managed one does not run yet."""

    def way_past(self, proxy: Proxy, facts: ToxiproxyFacts) -> str:
        """Which sessions of the platform go past a proxy now, in a sentence; "" for none, or unknown."""

    def on_this_machine(self, server: Toxiproxy) -> bool:
        """Whether the address of somebody's own server is one of this machine's."""

    def lease_keeper(self, server: Toxiproxy, facts: ToxiproxyFacts) -> KeeperFacts:
        """What a lease keeper on the server's host would have; also raises where none could stand there."""

    def toxiproxy_program(self) -> tuple[bool, str]:
        """Whether a managed server's program is here, and where it is or would come from."""

    def host(self, host: Host) -> HostFacts: ...

    def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts: ...

    def finds(self, step: RollbackStep, word: str) -> str:
        """Where the place of a rollback step finds the program `word`; "" when it doesn't."""

    def slots(self, database: Database) -> SlotFacts:
        """Who would take the slots of a database's server, who would be refused, and how many there are."""

    def sessions(self, database: Database, wants: SessionWants) -> SessionFacts:
        """Whose sessions would be the fault, who would feel it, and the table and rows that it asks for."""

    def could_perform(self, activity: Activity) -> None:
        """Whether the function is there and takes these arguments; it is not called. Raises BadInput."""

    def perform(self, activity: Activity) -> Performed:
        """What a probe answers."""

    def host_fault(self, fault: FaultPlan) -> HostLook:
        """What the host of a fault says for and against it."""

    def cache(self, cache: Cache, via: tuple[str, int] | None) -> str:
        """The server's version."""

    def claim(self, place: str) -> Seen | None:
        """Who holds the target at a place that can hold a claim (see `runbooks.claim_places`); None: nobody."""

    def cache_pause(self, cache: Cache, rhythm: Rhythm) -> PauseFacts:
        """Whether our user may pause a cache's server in a rhythm, and who does now."""

    def cache_room(self, cache: Cache) -> RoomFacts:
        """How many connections a cache's server takes and has, and what ends them."""

    def containers(self, choice: ContainerChoice) -> ContainersFacts: ...

    def hits(self, fault: FaultPlan) -> ContainerHits:
        """Whom a fault on containers would hit. Also raises Refused, where more match than the runbook allows or one
        could not be healed exactly."""

    def invariant(self, level: Invariant) -> Answer:
        """What a query or an address answers."""

    def crash_watchers(self, of: str) -> tuple[str, ...]:
        """The sources that would tell a crash of what the glob means; none is asked."""

    def alerts(self, alerting: Alerting) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Name and labels of each alert that fires now, as Alertmanager says."""

    def listens(self, host: str, port: int) -> None:
        """Nothing when the port could be listened on."""

    def slack(self, token: str, url: str | None) -> str:
        """Who the token is."""

    def locust(self, load: LoadPlan) -> LoadFacts:
        """Also raises LoadFailed or BadInput when the file can't be imported."""
