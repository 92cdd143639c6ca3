"""From a target to the doors that a run goes through: everything that is opened here is closed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from faults.fault import FaultPlan
from faults.lease.lease import Lease
from faults.platform import Platform
from faults.probe import HttpProbe, PostgresProbe, Probe, RedisProbe, TcpProbe
from faults.proxy_changes import ProxyHold
from faults.server_slots import ServerSlots
from faults.wire_proxy import WireProxy
from harness.analysis.service_level import CommandLevel
from harness.clock import Clock
from harness.errors import BadInput
from harness.evidence.collector import HostPlan
from harness.evidence.container_collection import ContainerCollection
from harness.journal.record import Record
from harness.monitor.container_watch import ContainerWatch
from harness.monitor.host import HostSource
from harness.monitor.postgres import PostgresSource
from harness.monitor.redis import RedisSource
from harness.monitor.sampler import Sampler
from harness.monitor.source import CrashWatch, Source
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import ToxiproxyApi
from harness.reach.toxiproxy_state import reachable_at
from runbooks.cache_place import cache_server
from runbooks.container_place import container_group
from runbooks.engine import Engine
from runbooks.host_places import fault_host
from runbooks.invariants import Invariants
from runbooks.runbook import Runbook
from runbooks.target import Database, Host, Proxy, Target
from runbooks.traffic import way_of


def server_slots(target: Target, database: Database, allow: AllowList) -> ServerSlots:
    """The three ways into the server of a database. Raises BadInput when the target doesn't name them."""
    exhausting, platform = database.exhaust_dsn, database.platform_dsn
    if exhausting is None or platform is None:
        raise BadInput(
            f"the database {database.name} has no exhaust_dsn and platform_dsn",
            where=str(target.path),
            mend="add both: see docs/targets.md",
        )
    return ServerSlots(
        database=database.name,
        watch_dsn=database.dsn.value,
        exhaust_dsn=exhausting.value,
        platform_dsn=platform.value,
        reference=exhausting.reference,
        folder=target.path.parent.absolute(),
        allow=allow,
    )


class Doors:
    """A context manager over the hosts, databases, caches and proxies of a target."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self.target = target
        self.allow = AllowList(target.allow)
        self._stack = ExitStack()
        self._hosts: dict[str, SshDoor] = {}
        self.crash_watchers: tuple[str, ...] = ()
        self._lease: Lease | None = None
        self._held: dict[str, ProxyHold] = {}
        self.databases = [
            PostgresSource(f"database.{d.name}", d.dsn.value, self.allow, clock=clock)
            for d in target.databases.values()
        ]
        self._sources: list[Source] = [
            *self.databases,
            *(RedisSource(f"cache.{c.name}", c.url.value, self.allow) for c in target.caches.values()),
            # readings have a connection of their own: their sampler closes it, and a large log can't hold it up
            *(HostSource(h.name, self._open(h), processes=h.processes) for h in target.hosts.values()),
        ]
        self._engine = Engine(target.containers, self.allow, clock) if target.containers is not None else None
        if self._engine is not None:
            self._stack.callback(self._engine.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def host(self, host: Host) -> SshDoor:
        """The door to a host's logs and commands."""
        if host.name not in self._hosts:
            self._hosts[host.name] = self._open(host)
        return self._hosts[host.name]

    def _open(self, host: Host) -> SshDoor:
        door = SshDoor(host.name, host.ssh, allow=self.allow, identity=host.identity, known_hosts=host.known_hosts)
        self._stack.callback(door.close)
        return door

    def samplers(self, emit: Callable[[Record], None], clock: Clock) -> tuple[Sampler | ContainerWatch, ...]:
        """A sampler for every host, database and cache, and a watch over the containers; not started."""
        watches = (self._engine.watch(emit),) if self._engine is not None else ()
        return (*(Sampler(source, emit, clock) for source in self._sources), *watches)

    def host_plans(self, runbook: Runbook) -> tuple[HostPlan, ...]:
        """What is collected from which host, as the runbook's `collect` says."""
        hosts = (self.target.hosts[name] for name in runbook.collect if name in self.target.hosts)
        return tuple(HostPlan(h.name, self.host(h), h.logs, h.commands) for h in hosts)

    def container_collections(self, runbook: Runbook) -> tuple[ContainerCollection, ...]:
        """What is collected from containers, as the runbook's `collect` says."""
        return self._engine.collections(runbook.collect) if self._engine is not None else ()

    def keep(self, lease: Lease | None) -> None:
        """The keeper beside a Toxiproxy of another machine; None where there is none."""
        self._lease = lease
        self._stack.callback(self.let_go)

    def let_go(self) -> None:
        """Dismiss the keeper, or leave to it what is still open."""
        if self._lease is not None:
            self._lease.close()

    def lease_lost(self) -> str:
        """Why nobody outlives us beside the Toxiproxy of another machine; "" while its keeper stands, or none must."""
        return self._lease.lost if self._lease is not None else ""

    def wire(self, proxy: Proxy, api_url: str) -> WireProxy:
        """A proxy of the target with the probe that measures it as the platform uses it."""
        toxiproxy = self.target.toxiproxy
        managed = toxiproxy is not None and toxiproxy.managed
        api = ToxiproxyApi(api_url, self.allow)
        return WireProxy(
            name=proxy.name,
            listen=proxy.listen,
            upstream=proxy.upstream,
            api=api,
            open_probe=lambda: self._probe(proxy, reachable_at(proxy.listen, api_url)),
            managed_folder=str(toxiproxy.folder) if managed and toxiproxy and toxiproxy.folder else "",
            sessions=self._source_behind(proxy),
            lease=self._lease,
            way_past=lambda: way_of(self.target, proxy, api.url, api.address, self.allow),
            held=self._held.setdefault(proxy.name, ProxyHold()),
        )

    def place(self, plan: FaultPlan, api_url: str) -> object:
        """What the fault of a plan sits on, as `faults.catalog.PLACES` has it. Raises BadInput."""
        if plan.on == "database":
            return server_slots(self.target, self.target.databases[plan.place], self.allow)
        if plan.on == "host":
            return fault_host(self.target.hosts[plan.place], self.allow)
        if plan.on == "container":
            return container_group(self.target, self.allow)
        if plan.on == "platform":
            return Platform(self.target.name, self.target.base_url, self.allow, self.target.path.parent.absolute())
        if plan.on == "cache":
            return cache_server(self.target, self.target.caches[plan.place], self.allow, api_url)
        return self.wire(self.target.proxies[plan.place], api_url)

    def invariants(self, runbook: Runbook) -> Invariants:
        """The invariants of a runbook, to be asked."""
        hosts = {
            level.host: self.host(self.target.hosts[level.host])
            for level in runbook.service_levels
            if isinstance(level, CommandLevel)
        }
        return Invariants(runbook.service_levels, self.target, self.allow, hosts)

    def find_crash_watchers(self) -> tuple[str, ...]:
        """The sources that would tell a crash. Asks the engine where it has to, 3 s at most: found once, kept."""
        hosts = [name for source in self._sources if isinstance(source, HostSource) for name in source.watched]
        others = (s.name for s in self._sources if isinstance(s, CrashWatch) and not isinstance(s, HostSource))
        self.crash_watchers = (*others, *hosts, *(self._engine.sources if self._engine is not None else ()))
        return self.crash_watchers

    def _probe(self, proxy: Proxy, via: tuple[str, int]) -> Probe:
        for database in self.target.databases.values():
            if database.through == proxy.name:
                return PostgresProbe(database.dsn.value, via=via, allow=self.allow)
        for cache in self.target.caches.values():
            if cache.through == proxy.name:
                return RedisProbe(cache.url.value, via=via, allow=self.allow)
        if proxy.probe == "http":
            return HttpProbe(f"http://{proxy.listen}{proxy.probe_path}", allow=self.allow, via=via)
        return TcpProbe(via, allow=self.allow)

    def _source_behind(self, proxy: Proxy) -> str:
        behind: Mapping[str, str] = {
            **{d.through: f"database.{d.name}" for d in self.target.databases.values() if d.through},
            **{c.through: f"cache.{c.name}" for c in self.target.caches.values() if c.through},
        }
        return behind.get(proxy.name, "")
