"""From a target to the doors that a run goes through: everything that is opened here is closed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from faults.probe import HttpProbe, PostgresProbe, Probe, RedisProbe, TcpProbe
from faults.wire_proxy import WireProxy
from harness.clock import Clock
from harness.errors import ReachFailed
from harness.evidence.collector import HostPlan
from harness.journal.record import Record
from harness.monitor.host import HostSource
from harness.monitor.postgres import PostgresSource
from harness.monitor.redis import RedisSource
from harness.monitor.sampler import Sampler
from harness.monitor.source import Source
from harness.reach import postgres
from harness.reach.allow_list import AllowList, split_address
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import ToxiproxyApi
from runbooks.runbook import Runbook
from runbooks.target import Host, Proxy, Target

QUERY_S = 3.0


class Doors:
    """A context manager over the hosts, databases, caches and proxies of a target."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self.target = target
        self.allow = AllowList(target.allow)
        self._stack = ExitStack()
        self._hosts: dict[str, SshDoor] = {}
        self.databases = [
            PostgresSource(f"database.{d.name}", d.dsn.value, self.allow, clock=clock)
            for d in target.databases.values()
        ]
        self._sources: list[Source] = [
            *self.databases,
            *(RedisSource(f"cache.{c.name}", c.url.value, self.allow) for c in target.caches.values()),
            # readings have a connection of their own: their sampler closes it, and a large log can't hold it up
            *(HostSource(h.name, self._open(h)) for h in target.hosts.values()),
        ]

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

    def samplers(self, emit: Callable[[Record], None], clock: Clock) -> tuple[Sampler, ...]:
        """A sampler for every host, database and cache; not started."""
        return tuple(Sampler(source, emit, clock) for source in self._sources)

    def host_plans(self, runbook: Runbook) -> tuple[HostPlan, ...]:
        """What is collected from which host, as the runbook's `collect` says."""
        hosts = (self.target.hosts[name] for name in runbook.collect)
        return tuple(HostPlan(h.name, self.host(h), h.logs, h.commands) for h in hosts)

    def wire(self, proxy: Proxy, api_url: str) -> WireProxy:
        """A proxy of the target with the probe that measures it as the platform uses it."""
        toxiproxy = self.target.toxiproxy
        managed = toxiproxy is not None and toxiproxy.managed
        return WireProxy(
            name=proxy.name,
            listen=proxy.listen,
            upstream=proxy.upstream,
            api=ToxiproxyApi(api_url, self.allow),
            open_probe=lambda: self._probe(proxy),
            managed_folder=str(toxiproxy.folder) if managed and toxiproxy and toxiproxy.folder else "",
            sessions=self._source_behind(proxy),
        )

    def ask(self, database: str, sql: str) -> object:
        """The single value that `sql` answers, over a connection of its own. Raises ReachFailed."""
        dsn = self.target.databases[database].dsn.value
        connection = postgres.connect(dsn, allow=self.allow, timeout_s=QUERY_S, application_name="gameday")
        try:
            rows = postgres.query(connection, sql, (), timeout_s=QUERY_S)
        finally:
            connection.close()
        if len(rows) != 1 or len(rows[0]) != 1:
            raise ReachFailed(f"the query answered {len(rows)} rows, not one value", where=database, mend=sql)
        return rows[0][0]

    def _probe(self, proxy: Proxy) -> Probe:
        via = split_address(proxy.listen)
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
