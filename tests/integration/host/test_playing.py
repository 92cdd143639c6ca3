"""Faults on a host over a real OpenSSH server: each kind played, proven and healed, or refused before."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from eventually import until
from host_fault_scene import (
    LOOPBACK,
    SYSTEM_PATH,
    Start,
    Victim,
    children,
    fault_of,
    host_of,
    on,
    play,
)

from faults import healing
from faults.hosts.host_undo import HostUndo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed, Refused

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("shell", ["the system's", "busybox"])
def test_each_pressure_and_pause_is_played_proven_and_healed_with_any_shell(
    start_sshd: Start, victim: Victim, tmp_path: Path, require: Any, shell: str
) -> None:
    path = SYSTEM_PATH
    if shell == "busybox":
        program = require("busybox", shutil.which("busybox"))
        listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
        (tmp_path / "applets").mkdir()
        for applet in listed:
            (tmp_path / "applets" / applet).symlink_to(program)
        path = str(tmp_path / "applets")
    host = host_of(start_sshd("MaxStartups 100", path=path), victim=victim.pattern)
    faults = [
        fault_of("process-pause", host, "f1", process="victim"),
        fault_of("host-cpu", host, "f2", cores=1),
        fault_of("host-memory", host, "f3", amount="64MB", leave="50MB"),
        fault_of("host-disk", host, "f4", path=str(tmp_path), amount="64MB", leave="50MB"),
        fault_of("host-disk-io", host, "f5", path=str(tmp_path), amount="1MB", rate="5MB/s"),
    ]
    before = set(tmp_path.iterdir())
    with ThreadPoolExecutor(len(faults)) as threads:
        paused, burnt, memory, disk, written = threads.map(play, faults)

    assert paused == (
        "stopped: 1 of 1 process of victim; 1 there before",
        "running again: 1 process of victim; stopped: 0",
    )
    assert burnt[0].startswith("1 loop of ours got")
    assert burnt[1].startswith("0 loops of ours left")
    assert re.match(r"processes of ours hold 6\d(\.\d+)? MB", memory[0])
    assert memory[1].startswith("processes of ours hold 0 bytes")
    assert disk[0].startswith("a file of ours holds 63.96 MB")
    assert disk[1].startswith("a file of ours holds 0 bytes")
    assert written[1].startswith("0 bytes a second")
    assert victim.state == "S"
    assert set(tmp_path.iterdir()) == before


def test_what_a_person_is_told_to_type_heals_it(sshd: Any, victim: Victim) -> None:
    host = host_of(sshd, victim=victim.pattern)
    pause, cpu = fault_of("process-pause", host, "f1", process="victim"), fault_of("host-cpu", host, "f2", cores=1)
    options = f"-o UserKnownHostsFile={sshd.known_hosts} -F {sshd.no_config}"
    with on(pause) as paused, on(cpu) as burnt:
        loops = children(burnt)
        for undo in (paused, burnt):
            typed = healing.command_of(undo).replace("ssh ", f"ssh {options} ", 1)
            subprocess.run(["sh", "-c", typed], check=True, timeout=20, stdout=subprocess.DEVNULL)
        until(lambda: victim.state == "S")
        until(lambda: not Path(f"/proc/{loops[0]}").exists())


def test_a_host_that_is_gone_is_not_healed_until_it_is_certain(sshd: Any, victim: Victim) -> None:
    host = host_of(sshd, victim=victim.pattern)
    pause, cpu = fault_of("process-pause", host, "f1", process="victim"), fault_of("host-cpu", host, "f2", cores=1)
    undos = []
    for fault in (pause, cpu):
        undo = healing.read_undo(json.loads(fault.prepare().model_dump_json()))
        assert isinstance(undo, HostUndo)
        undos.append(undo)
        fault.close()
    sshd.close()
    for undo in undos:
        with pytest.raises(NotHealed, match="its guardian there does it by itself") as raised:
            healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
        assert raised.value.mend.startswith(healing.command_of(undo))
    paused, burnt = (undo.model_copy(update={"over_at": "2020-01-01T00:00:00+00:00"}) for undo in undos)
    assert healing.heal(burnt, deadline=Deadline.after(5), allow=LOOPBACK).rung == "lease"
    with pytest.raises(NotHealed):
        healing.heal(paused, deadline=Deadline.after(5), allow=LOOPBACK)


def test_what_speaks_against_a_fault_is_said_before_anything_is_touched(
    sshd: Any, victim: Victim, tmp_path: Path
) -> None:
    host = host_of(sshd, victim=victim.pattern, ssh=str(sshd.folder), nobody="no-such-process-anywhere")
    cases: list[tuple[str, dict[str, object], type[Exception], str]] = [
        ("process-pause", {"process": "nobody"}, ReachFailed, "no process has 'no-such-process-anywhere'"),
        ("process-pause", {"process": "ssh"}, Refused, "carries our own SSH connection"),
        ("host-cpu", {"cores": 1000}, ReachFailed, "the host has .* processors"),
        ("host-cpu", {"share": "0.1%"}, ReachFailed, "less than one"),
        ("host-memory", {"amount": "200GB"}, Refused, "less than 500 MB would be left"),
        ("host-disk", {"path": str(tmp_path), "leave": "900000GB"}, ReachFailed, "there is nothing to fill"),
        ("host-disk", {"path": str(tmp_path), "amount": "90000GB"}, Refused, "less than 1 GB would be left"),
        ("host-disk", {"path": "/no/such/folder", "amount": "2MB"}, ReachFailed, "there is no folder"),
        ("service-stop", {"unit": "no-such-thing-here"}, ReachFailed, "is no service|has no systemctl"),
        ("host-network", {"interface": "none0", "towards": "127.0.0.9", "delay": "10ms"}, ReachFailed, "none0|no tc"),
    ]
    os.kill(victim.process.pid, signal.SIGSTOP)
    cases.append(("process-pause", {"process": "victim"}, ReachFailed, "stands still already"))
    for kind, params, error, said in cases:
        fault = fault_of(kind, host, **params)
        with pytest.raises(error) as raised:
            fault.prepare()
        fault.close()
        look = str(raised.value)
        assert re.search(said, look) or (kind in ("service-stop", "host-network") and "(" in look), look
