"""The lease keeper of a run: who stands beside a Toxiproxy of another machine, and when one is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from faults.lease import lease as keeping
from faults.lease.lease import KeeperFacts, Lease, Watch
from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.journal.record import LeaseKept
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import DEFAULT_PORT, ToxiproxyApi
from harness.reach.toxiproxy_state import ProxyState
from runbooks.runbook import Runbook
from runbooks.target import Host, Target, Toxiproxy

_MARGIN_S = 600.0
"""What a run may take beyond its phases: its start, its end, a suspended machine."""


def look(target: Target, proxies: tuple[ProxyState, ...], deadline: Deadline) -> KeeperFacts:
    """Whether a keeper could stand there; it writes nothing. Raises ReachFailed."""
    server = target.toxiproxy
    assert server is not None
    door = _door(target.hosts[server.host], AllowList(target.allow))
    try:
        return keeping.look(door.stream, _watch(server, "look", _named(target, proxies), 60.0), deadline)
    finally:
        door.close()


def kept_lease(
    runbook: Runbook, target: Target, run: str, tell: Callable[[LeaseKept], None], *, no_lease: bool
) -> Lease | None:
    """The keeper beside the server, over a connection of its own; None where none must stand: no `host:`, no fault on a
    proxy, or the opt-out. Raises ReachFailed."""
    server = target.toxiproxy
    if server is None or not server.host or no_lease or not any(fault.proxy for fault in runbook.faults):
        return None
    allow = AllowList(target.allow)
    api = ToxiproxyApi(server.url, allow)
    proxies = tuple(api.proxy(name) for name in sorted({fault.proxy for fault in runbook.faults if fault.proxy}))
    phases = runbook.phases
    bound_s = phases.warm_up_s + phases.baseline_s + runbook.faults_s + phases.recovery_s + _MARGIN_S
    watch = _watch(server, run, {p.name: (p.listen, p.upstream) for p in proxies}, bound_s)
    door = _door(target.hosts[server.host], allow)
    try:
        return Lease.start(door.stream, watch, server.host, tell, Deadline.after(keeping.START_S))
    except ReachFailed:
        door.close()
        raise


def _named(target: Target, proxies: tuple[ProxyState, ...]) -> Mapping[str, tuple[str, str]]:
    """Those of the target: by them the keeper knows that it has the same server before it."""
    return {p.name: (p.listen, p.upstream) for p in proxies if p.name in target.proxies}


def _watch(server: Toxiproxy, run: str, proxies: Mapping[str, tuple[str, str]], bound_s: float) -> Watch:
    parts = urlsplit(server.url)
    return Watch(run, parts.hostname or "", parts.port or DEFAULT_PORT, proxies, bound_s)


def _door(host: Host, allow: AllowList) -> SshDoor:
    return SshDoor(host.name, host.ssh, allow=allow, identity=host.identity, known_hosts=host.known_hosts)
