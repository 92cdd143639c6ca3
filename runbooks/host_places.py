"""The hosts of a target, as faults on them need them."""

from __future__ import annotations

from functools import partial

from faults.catalog import build
from faults.fault import FaultPlan
from faults.hosts.fault_host import FaultHost, Who
from faults.hosts.host_fault import HostFault, Look
from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.monitor import process_census
from harness.monitor.process_command import look_at
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from runbooks.target import Host


def fault_host(host: Host, allow: AllowList) -> FaultHost:
    """Nothing is opened yet."""
    return FaultHost(
        name=host.name,
        ssh=host.ssh,
        allow=allow,
        find_processes=partial(_find, host),
        identity=host.identity,
        known_hosts=host.known_hosts,
        processes=host.processes,
    )


def look_on_host(plan: FaultPlan, host: Host, allow: AllowList, timeout_s: float) -> Look:
    """What the host says for and against a fault; reads only. Raises ReachFailed."""
    fault = build(plan, fault_host(host, allow), "preflight")
    assert isinstance(fault, HostFault)
    try:
        return fault.look(Deadline.after(timeout_s))
    finally:
        fault.close()


def _find(host: Host, door: SshDoor, process: str, deadline: Deadline) -> tuple[Who, ...]:
    """The processes that are watched under a name, with their children, now."""
    pattern = host.processes.get(process)
    if pattern is None:
        return ()
    lines = door.run(look_at({process: pattern}), deadline).stdout.decode("utf-8", "replace").splitlines()
    groups = process_census.take(lines, (process,))
    if groups is None:
        raise ReachFailed(
            "its processes can't be looked at",
            where=f"host {host.name}",
            mend="sh, head, tr, sed, grep and a readable /proc are needed",
        )
    return tuple(sorted(groups[process]))
