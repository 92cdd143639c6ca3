"""A fault on a host over SSH, as a test sees it: what it stops, and what of it is left on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from eventually import until

from faults import healing
from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.hosts.host_fault import HostFault
from faults.hosts.host_undo import HostUndo
from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach.allow_list import AllowList
from runbooks.host_places import fault_host
from runbooks.target import Host

LOOPBACK = AllowList(["127.0.0.0/8"])
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
Start = Callable[..., Any]


class Victim:
    """A process of the test's own, that no other test run has."""

    def __init__(self) -> None:
        self.seconds = f"{86400 + os.getpid()}.{os.urandom(3).hex().translate(str.maketrans('abcdef', '123456'))}"
        self.process = subprocess.Popen(["sleep", self.seconds])
        self.pattern = f"sleep*{self.seconds}"

    @property
    def state(self) -> str:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def host_of(sshd: Any, **processes: str) -> Host:
    address = f"{sshd.user}@127.0.0.1:{sshd.port}"
    return Host("app-1", address, identity=sshd.identity, known_hosts=sshd.known_hosts, processes=processes)


def fault_of(kind: str, host: Host, /, fault_id: str = "f1", **params: object) -> HostFault:
    plan = FaultPlan(fault_id, kind, kind, "app-1", KINDS[kind].params.model_validate(params), 0.0, 30.0, "host")
    fault = build(plan, fault_host(host, LOOPBACK), f"test-{os.getpid()}-{os.urandom(3).hex()}")
    assert isinstance(fault, HostFault)
    return fault


@contextlib.contextmanager
def on(fault: HostFault) -> Iterator[HostUndo]:
    """The fault while it is on; its undo record as the journal would give it back."""
    undo = healing.read_undo(json.loads(fault.prepare().model_dump_json()))
    assert isinstance(undo, HostUndo)
    try:
        fault.inject()
        yield undo
    finally:
        fault.heal(Deadline.after(10))
        fault.close()


def members(undo: HostUndo) -> list[str]:
    """What of a fault's own processes is still on this machine."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"=gameday=" in entry.read_bytes() and str((entry.parent / "cwd").readlink()).startswith(undo.folder):
                found.append(entry.parent.name)
    return found


def who(undo: HostUndo, name: str) -> int:
    """The pid in a file of the fault's folder."""
    return int((Path(undo.folder) / name).read_text().split()[0])


def children(undo: HostUndo) -> list[int]:
    return [int(path.read_text().split()[0]) for path in Path(undo.folder).glob("child.*")]


def gone(undo: HostUndo) -> bool:
    return not Path(undo.folder).exists() and not members(undo)


def play(fault: HostFault) -> tuple[str, str]:
    """The whole of it; what was measured under the fault, and after it."""
    with on(fault) as undo:
        until(lambda: fault.prove_wire().effective)
        seen = fault.prove_wire().measured.text
        assert fault.present()
        assert Path(undo.folder).stat().st_mode & 0o777 == 0o700
    back = fault.measure_healed(Deadline.after(15))
    assert back.effective, back.measured.text
    until(lambda: gone(undo))
    assert not fault.present()
    # from the record alone it is healed again, by anybody
    assert healing.heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "checked"
    return seen, back.measured.text


def sessions_of(sshd: Any) -> list[int]:
    """The processes of the SSH server for its connections, and nothing that they have started."""
    found, above = [], {sshd._process.pid}
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in above and (entry / "comm").read_text().startswith("sshd"):
                above.add(int(entry.name))
                found.append(int(entry.name))
    return found


def present(fault: HostFault) -> bool:
    try:
        return fault.present()
    except ReachFailed:
        return False
