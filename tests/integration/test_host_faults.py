"""Faults on a host over a real OpenSSH server: each kind played, proven and healed, and nothing left whoever dies."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from faults import healing
from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.hosts.host_fault import HostFault
from faults.hosts.host_undo import HostUndo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed, Refused
from harness.reach.allow_list import AllowList
from runbooks.host_places import fault_host
from runbooks.target import Host

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
HOLDER = ROOT / "tests" / "doubles" / "host_fault_process.py"
TOOLS = ROOT / "tests" / "doubles" / "host_tools"
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


@pytest.fixture
def victim() -> Iterator[Victim]:
    made = Victim()
    yield made
    made.process.kill()
    made.process.wait(10)


def until(holds: Callable[[], Any], within_s: float = 20.0) -> None:
    deadline, pause = Deadline.after(within_s), threading.Event()
    while not holds():
        assert not deadline.passed, "did not come true in time"
        pause.wait(0.05)


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
        "1 of 1 processes of victim are stopped, 1 were there before",
        "1 processes of victim run again, 0 are stopped",
    )
    assert burnt[0].startswith("1 loops burn")
    assert burnt[1].startswith("0 loops are left")
    assert re.match(r"processes of ours hold 6\d(\.\d+)? MB", memory[0])
    assert memory[1].startswith("processes of ours hold 0 bytes")
    assert disk[0].startswith("a file of ours holds 63.96 MB")
    assert disk[1].startswith("a file of ours holds 0 bytes")
    assert written[1].startswith("0 bytes a second")
    assert victim.state == "S"
    assert set(tmp_path.iterdir()) == before


def test_the_pause_ends_by_itself_when_we_are_killed(sshd: Any, victim: Victim) -> None:
    command = [sys.executable, "-P", str(HOLDER), str(sshd.port), str(sshd.identity), str(sshd.known_hosts)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        holder.stdin.write(f"{victim.pattern}\n".encode())
        holder.stdin.flush()
        undo = HostUndo.model_validate_json(holder.stdout.readline())
        assert victim.state == "T"
        holder.kill()
        until(lambda: victim.state == "S")
        until(lambda: gone(undo))
    finally:
        holder.kill()
        holder.wait(10)
        holder.stdin.close()
        holder.stdout.close()


def test_the_pause_ends_by_itself_when_our_beats_stop_or_the_server_s_session_is_killed(
    sshd: Any, victim: Victim
) -> None:
    for cut in (False, True):
        fault = fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")
        with on(fault) as undo:
            assert victim.state == "T"
            if cut:
                for pid in sessions_of(sshd):
                    os.kill(pid, signal.SIGKILL)
            else:
                assert fault._lease is not None
                fault._lease._ending.set()  # as if we stood still: the connection is there, and nothing is sent
            until(lambda: victim.state == "S")
            until(lambda undo=undo: gone(undo))
            until(lambda fault=fault: not _present(fault))


def test_the_second_guardian_undoes_when_the_first_is_killed_or_stands_still(sshd: Any, victim: Victim) -> None:
    for number in (signal.SIGKILL, signal.SIGSTOP):
        fault = fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")
        with on(fault) as undo:
            assert victim.state == "T"
            os.kill(who(undo, "guard"), number)
            until(lambda: victim.state == "S")
            until(lambda undo=undo: gone(undo))
            until(lambda fault=fault: not _present(fault))


def test_a_killed_second_guardian_is_replaced(sshd: Any, victim: Victim) -> None:
    with on(fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")) as undo:
        first = who(undo, "second")
        os.kill(first, signal.SIGKILL)
        until(lambda: who(undo, "second") != first)
        os.kill(who(undo, "guard"), signal.SIGKILL)
        until(lambda: victim.state == "S")


def test_with_both_guardians_killed_loops_end_by_themselves_and_the_record_heals_the_rest(
    sshd: Any, victim: Victim
) -> None:
    host = host_of(sshd, victim=victim.pattern)
    pause, cpu = fault_of("process-pause", host, "f1", process="victim"), fault_of("host-cpu", host, "f2", cores=1)
    with on(pause) as paused, on(cpu) as burnt:
        loops = children(burnt)
        assert len(loops) == 1
        for undo in (paused, burnt):
            both = [who(undo, "guard"), who(undo, "second")]
            for pid in both:
                os.kill(pid, signal.SIGSTOP)
            for pid in both:
                os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{loops[0]}").exists())
        assert victim.state == "T"
        assert healing.heal(paused, deadline=Deadline.after(10), allow=LOOPBACK).rung == "checked"
        assert victim.state == "S"
        healing.heal(burnt, deadline=Deadline.after(10), allow=LOOPBACK)
        assert gone(paused)
        assert gone(burnt)


def test_a_living_guardian_is_ended_by_the_record_and_a_later_process_of_that_number_is_left_alone(
    sshd: Any, victim: Victim
) -> None:
    fault = fault_of("process-pause", host_of(sshd, victim=victim.pattern), process="victim")
    with on(fault) as undo:
        pid, _, ticks = undo.values["processes"].partition(":")
        other = undo.model_copy(
            update={"values": {**undo.values, "processes": f"{pid}:{int(ticks) + 1}", "dir": f"{undo.folder}-other"}}
        )
        assert healing.heal(other, deadline=Deadline.after(10), allow=LOOPBACK).rung == "checked"
        assert victim.state == "T"
        assert healing.heal(undo, deadline=Deadline.after(10), allow=LOOPBACK).rung == "undone"
        assert victim.state == "S"
        assert gone(undo)


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


def _present(fault: HostFault) -> bool:
    try:
        return fault.present()
    except ReachFailed:
        return False


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """systemctl, sudo, tc, ping and modprobe that stand in for the real ones and write down what they are asked."""
    folder = tmp_path / "tools"
    shutil.copytree(TOOLS, folder)
    (folder / "queues").write_text("qdisc fq_codel 0: root refcnt 2 limit 10240p\n")
    return folder


def test_a_service_is_stopped_by_sudo_alone_and_started_again(start_sshd: Start, tools: Path) -> None:
    (tools / "shop.service.state").write_text("active\n")
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    fault = fault_of("service-stop", host, unit="shop", sudo=True)
    with on(fault) as undo:
        until(lambda: fault.prove_wire().effective)
        assert fault.prove_wire().measured.text == "shop.service is inactive (dead), it was active (running) before"
        assert fault.present()
        os.kill(who(undo, "guard"), signal.SIGKILL)
        until(lambda: (tools / "shop.service.state").read_text() == "active\n")
        until(lambda: gone(undo))
    assert fault.measure_healed(Deadline.after(10)).effective
    calls = (tools / "calls").read_text().splitlines()
    assert calls == ["stop --no-block shop.service", "start --no-block shop.service"]
    assert [f"systemctl {call}" in (tools / "sudo.calls").read_text() for call in calls] == [True, True]
    assert healing.command_of(undo).endswith("'sudo systemctl start shop.service'")


def test_a_service_that_can_t_be_stopped_or_takes_others_with_it_is_refused(start_sshd: Start, tools: Path) -> None:
    for unit in ("shop.service", "worker.service"):
        (tools / f"{unit}.state").write_text("active\n")
    (tools / "shop.service.needed").write_text("worker.service\n")
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    with pytest.raises(Refused, match=r"systemd stops worker.service with shop.service"):
        fault_of("service-stop", host, unit="shop", sudo=True).prepare()
    (tools / "forbidden").write_text("systemctl stop\n")
    with pytest.raises(ReachFailed, match=r"sudo -n does not allow `systemctl stop --no-block worker\.service`"):
        fault_of("service-stop", host, unit="worker", sudo=True).prepare()
    (tools / "forbidden").unlink()
    fault = fault_of("service-stop", host, unit="worker", sudo=True)
    undo = fault.prepare()
    (tools / "stuck").touch()
    with pytest.raises(ReachFailed, match="Job failed"):
        fault.inject()
    assert fault.heal(Deadline.after(10)).rung == "checked"
    until(lambda: gone(undo))
    fault.close()


def test_a_delay_takes_a_queue_of_our_own_at_the_interface_and_leaves_none(start_sshd: Start, tools: Path) -> None:
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    asked = {"interface": "lo", "towards": ["127.0.0.9"], "delay": "100ms", "jitter": "5ms", "sudo": True}
    fault = fault_of("host-network", host, **asked)
    with on(fault) as undo:
        until(lambda: fault.prove_wire().effective)
        assert fault.prove_wire().measured.text == "127.0.0.9: 0.4 ms before, 100.6 ms now"
    assert fault.measure_healed(Deadline.after(10)).effective
    handle = undo.values["handle"]
    assert (tools / "calls").read_text().splitlines() == [
        f"qdisc add dev lo root handle {handle}: prio bands 4",
        f"qdisc add dev lo parent {handle}:4 netem delay 100000us 5000us",
        f"filter add dev lo parent {handle}: protocol ip prio 1 u32 match ip dst 127.0.0.9/32 flowid {handle}:4",
        f"qdisc del dev lo root handle {handle}:",
    ]
    assert healing.command_of(undo).endswith(f"'sudo tc qdisc del dev lo root handle {handle}:'")


def test_a_delay_is_refused_where_it_would_take_a_queue_s_place_or_our_own_way_in(
    start_sshd: Start, tools: Path
) -> None:
    host = host_of(start_sshd(path=f"{tools}:{SYSTEM_PATH}"))
    keys: dict[str, object] = {"interface": "lo", "towards": "127.0.0.9", "delay": "100ms", "sudo": True}
    with pytest.raises(Refused, match=r"our own SSH connection comes from 127\.0\.0\.1"):
        fault_of("host-network", host, **{**keys, "towards": "127.0.0.1, 127.0.0.9"}).prepare()
    with pytest.raises(ReachFailed, match="outside the target's allow list"):
        fault_of("host-network", host, **{**keys, "towards": "10.1.2.3"}).prepare()
    (tools / "modules.missing").write_text("sch_netem\n")
    if not Path("/sys/module/sch_netem").exists():
        fault = fault_of("host-network", host, **keys)
        look = fault.look(Deadline.after(10))
        fault.close()
        assert [o.what for o in look.objections] in ([], ["the kernel there has no netem"])
    (tools / "modules.missing").unlink()
    (tools / "deaf").touch()
    with pytest.raises(ReachFailed, match=r"127\.0\.0\.9 does not answer the host's ping"):
        fault_of("host-network", host, **keys).prepare()
    (tools / "deaf").unlink()
    # the kernel says no in the middle: what was put there before is taken away again
    (tools / "no-netem").touch()
    fault = fault_of("host-network", host, **keys)
    undo = fault.prepare()
    with pytest.raises(ReachFailed, match="Specified qdisc kind is unknown"):
        fault.inject()
    fault.heal(Deadline.after(10))
    fault.close()
    until(lambda: gone(undo))
    assert (tools / "queues").read_text().startswith("qdisc fq_codel 0: root")
    (tools / "queues").write_text("qdisc htb 1: root refcnt 2\n")
    with pytest.raises(Refused, match="lo has a queue of somebody's: htb 1:"):
        fault_of("host-network", host, **keys).prepare()
