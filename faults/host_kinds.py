"""The faults on hosts, over SSH."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from faults.fault import FaultPlan
from faults.hosts import (
    cpu_pressure,
    disk_io_pressure,
    disk_pressure,
    memory_pressure,
    network_delay,
    process_pause,
    service_stop,
)
from faults.hosts.action import HostAction
from faults.hosts.fault_host import FaultHost
from faults.hosts.host_fault import HostFault
from faults.kind import FaultKind


def _on_host(action: Callable[[BaseModel], HostAction]) -> Callable[[FaultPlan, FaultHost, str], HostFault]:
    return lambda plan, host, run: HostFault(plan, host, run, action(plan.params))


_SHELL = "an account on the host with sh, coreutils or busybox, setsid and a /tmp that it may write to"
_GUARDED = (
    "by its guardian on the host: on our word, after 3 s without our beats, when the connection is lost, and at the "
    "end of its time"
)
_OVERSEEN = f"{_GUARDED}; a second one does it when that was killed, else the healer or gameday heal"
_SELF_ENDING = f"{_GUARDED}; when that was killed, its processes end by themselves"

HOST_KINDS: tuple[FaultKind, ...] = (
    FaultKind(
        "process-pause",
        "every process of `process` stands still (SIGSTOP)",
        process_pause.ProcessPauseParams,
        _on_host(process_pause.ProcessPause),
        process_pause.expected,
        on="host",
        needs=f"{_SHELL}; a process that the target has watched, of the same account or with `sudo: true`",
        proven="each process is in the state T on the host, and goes on after healing",
        healed=f"SIGCONT to exactly those processes, {_OVERSEEN}",
    ),
    FaultKind(
        "service-stop",
        "the systemd service `unit` is stopped",
        service_stop.ServiceStopParams,
        _on_host(service_stop.ServiceStop),
        service_stop.expected,
        on="host",
        needs=f"{_SHELL}; a service that runs and that nothing which runs depends on; root, or `sudo: true`",
        proven="systemd says that the unit is inactive, and after healing that it is active",
        healed=f"systemctl start, {_OVERSEEN}",
    ),
    FaultKind(
        "host-cpu",
        "`cores` or a `share` of the host's processors are kept busy",
        cpu_pressure.HostCpuParams,
        _on_host(cpu_pressure.CpuPressure),
        cpu_pressure.expected,
        on="host",
        needs=_SHELL,
        proven="the CPU time that our loops get, and the host's busy share; after healing no loop is left",
        healed=_SELF_ENDING,
        example="share: 50%",
    ),
    FaultKind(
        "host-memory",
        "`amount`, or a `share` of the memory that is available, is taken",
        memory_pressure.HostMemoryParams,
        _on_host(memory_pressure.MemoryPressure),
        memory_pressure.expected,
        on="host",
        needs=f"{_SHELL}; `leave` must stay available",
        proven="the memory that our processes hold, and what is available; after healing they hold none",
        healed=_SELF_ENDING,
        example="amount: 512MB",
    ),
    FaultKind(
        "host-disk",
        "`amount` of the file system under `path` is taken, or all but `leave`",
        disk_pressure.HostDiskParams,
        _on_host(disk_pressure.DiskPressure),
        disk_pressure.expected,
        on="host",
        needs=f"{_SHELL}; a folder on it that the account may write to; `leave` must stay free",
        proven="the blocks that our file holds, and what df calls free; after healing it holds none",
        healed=f"the file has no name and goes with the process that holds it, {_SELF_ENDING}",
        example="path: /var/lib/app, amount: 5GB",
    ),
    FaultKind(
        "host-disk-io",
        "a small file under `path` is written to the disk again and again",
        disk_io_pressure.HostDiskIoParams,
        _on_host(disk_io_pressure.DiskIoPressure),
        disk_io_pressure.expected,
        on="host",
        needs=f"{_SHELL}; a folder on it that the account may write to",
        proven="the bytes a second that the kernel counts as written by us; after healing none are",
        healed=_SELF_ENDING,
        example="path: /var/lib/app",
    ),
    FaultKind(
        "host-network",
        "what the host sends to the addresses `towards` through `interface` is delayed by `delay`",
        network_delay.HostNetworkParams,
        _on_host(network_delay.NetworkDelay),
        network_delay.expected,
        on="host",
        needs=f"{_SHELL}; tc, ping, a kernel with netem, an interface without a queue of somebody's; root, or "
        "`sudo: true`; addresses that answer a ping, ours not among them",
        proven="the host's ping to each address is slower by the delay; after healing it is as before, and so are "
        "the interface's queues",
        healed=f"the queue of ours is taken away by its handle, {_OVERSEEN}",
        example="interface: eth0, towards: [10.0.0.5], delay: 100ms",
    ),
)
