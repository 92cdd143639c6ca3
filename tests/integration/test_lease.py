"""The lease keeper beside a Toxiproxy of another machine: a network namespace with sshd, toxiproxy-server and an
upstream, and the link to it cut off."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from eventually import until

from faults import catalog
from faults.fault import FaultPlan
from faults.lease.lease import LEASE_S, Lease, Watch, look
from faults.probe import HttpProbe
from faults.toxiproxy_binary import find_or_build
from faults.wire_proxy import WireProxy
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.journal.record import LeaseKept
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import ToxiproxyApi

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
BUSY = 3  # how much longer everything may take on a machine that other work keeps busy
API_PORT, PROXY_PORT, UPSTREAM_PORT, SSH_PORT = 8474, 9001, 9000, 2222
_ASK = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=3).read().decode())"
_SBIN = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"


@dataclass
class OtherMachine:
    """A network namespace, reached over one link. `address` is its own end of that."""

    ip: str
    name: str
    link: str
    address: str
    folder: Path
    identity: Path
    known_hosts: Path

    @property
    def allow(self) -> AllowList:
        return AllowList([f"{self.address}/32"])

    @property
    def url(self) -> str:
        return f"http://{self.address}:{API_PORT}"

    def inside(self, *command: str) -> list[str]:
        return [self.ip, "netns", "exec", self.name, *command]

    def cut(self) -> None:
        subprocess.run([self.ip, "link", "set", self.link, "down"], check=True, timeout=10)

    def mend(self) -> None:
        subprocess.run([self.ip, "link", "set", self.link, "up"], check=True, timeout=10)

    def toxics(self) -> list[str]:
        """As seen from inside, whatever became of the link."""
        url = f"http://127.0.0.1:{API_PORT}/proxies/app"
        command = self.inside(sys.executable, "-I", "-S", "-c", _ASK, url)
        answer = subprocess.run(command, check=True, capture_output=True, timeout=20, text=True)
        return [toxic["name"] for toxic in json.loads(answer.stdout)["toxics"]]

    def door(self) -> SshDoor:
        return SshDoor(
            "app-1",
            f"{getpass.getuser()}@{self.address}:{SSH_PORT}",
            allow=self.allow,
            identity=self.identity,
            known_hosts=self.known_hosts,
            ssh_config=self.folder / "no_ssh_config",
        )

    def watch(self) -> Watch:
        proxies = {"app": (f"{self.address}:{PROXY_PORT}", f"127.0.0.1:{UPSTREAM_PORT}")}
        return Watch("a-run", self.address, API_PORT, proxies, bound_s=120.0, try_s=10.0)

    def proxy(self, lease: Lease | None) -> WireProxy:
        at = (self.address, PROXY_PORT)
        return WireProxy(
            name="app",
            listen=f"{self.address}:{PROXY_PORT}",
            upstream=f"127.0.0.1:{UPSTREAM_PORT}",
            api=ToxiproxyApi(self.url, self.allow),
            open_probe=lambda: HttpProbe("http://app/", allow=self.allow, via=at),
            lease=lease,
        )


@pytest.fixture(scope="module")
def machine(
    require: Callable[[str, str | None], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OtherMachine]:
    ip = require("ip (iproute2)", shutil.which("ip", path=_SBIN))
    sshd = require("sshd", shutil.which("sshd", path=_SBIN))
    folder = tmp_path_factory.mktemp("other-machine")
    with ExitStack() as stack:
        made = _namespace(ip, folder, stack)
        require("the right to make network namespaces", "yes" if made else None)
        assert made is not None
        _ssh_files(made)
        started = [
            [sshd, "-D", "-e", "-f", str(folder / "sshd_config")],
            [str(find_or_build(Deadline.after(300))), "-host", "0.0.0.0", "-port", str(API_PORT)],
            [sys.executable, "-m", "http.server", str(UPSTREAM_PORT), "--bind", "127.0.0.1", "-d", str(folder)],
        ]
        for number, command in enumerate(started):
            log = stack.enter_context((folder / f"{number}.log").open("wb"))
            process = subprocess.Popen(
                made.inside(*command), stdout=log, stderr=log, env=os.environ | {"LOG_LEVEL": "warn"}
            )
            stack.callback(process.wait, 10)
            stack.callback(process.kill)
        api = ToxiproxyApi(made.url, made.allow)
        until(lambda: _connects(made.address, SSH_PORT) and _connects(made.address, API_PORT), BUSY * 10)
        api.create_proxy("app", f"{made.address}:{PROXY_PORT}", f"127.0.0.1:{UPSTREAM_PORT}")
        yield made


def _namespace(ip: str, folder: Path, stack: ExitStack) -> OtherMachine | None:
    number = os.getpid()
    name, link = f"gameday{number}", f"gd{number}"
    near, far = (f"10.{200 + number % 50}.{number // 50 % 256}.{end}" for end in (1, 2))
    for command in (
        f"netns add {name}",
        f"link add {link} type veth peer name eth0 netns {name}",
        f"addr add {near}/30 dev {link}",
        f"link set {link} up",
        f"-n {name} addr add {far}/30 dev eth0",
        f"-n {name} link set eth0 up",
        f"-n {name} link set lo up",
    ):
        if subprocess.run([ip, *command.split()], check=False, capture_output=True, timeout=10).returncode:
            return None
        if command.startswith("netns"):
            stack.callback(subprocess.run, [ip, "netns", "del", name], check=True, timeout=10)
    return OtherMachine(ip, name, link, far, folder, folder / "identity", folder / "known_hosts")


def _ssh_files(machine: OtherMachine) -> None:
    for key in ("identity", "host_key"):
        path = machine.folder / key
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=10)
    kind, blob, *_ = (machine.folder / "host_key.pub").read_text().split()
    machine.known_hosts.write_text(f"[{machine.address}]:{SSH_PORT} {kind} {blob}\n")
    (machine.folder / "no_ssh_config").touch()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    lines = [
        f"Port {SSH_PORT}",
        f"HostKey {machine.folder / 'host_key'}",
        f"AuthorizedKeysFile {machine.identity}.pub",
        "StrictModes no",
        "UsePAM no",
        "PidFile none",
        f"SetEnv SHLVL=5 PATH=/usr/local/bin:/usr/bin:/bin TMPDIR={machine.folder}",
    ]
    (machine.folder / "sshd_config").write_text("\n".join(lines) + "\n")


def _connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _plan() -> FaultPlan:
    params = catalog.KINDS["latency"].params.model_validate({"latency": "80ms"})
    return FaultPlan("f1", "slow", "latency", "app", params, 0.0, 60.0)


def test_a_keeper_takes_the_fault_off_when_the_link_is_cut(machine: OtherMachine) -> None:
    told: list[LeaseKept] = []
    door = machine.door()
    facts = look(door.stream, machine.watch(), Deadline.after(20))
    assert (facts.api, facts.here, facts.folder) == (f"127.0.0.1:{API_PORT}", True, "")
    lease = Lease.start(machine.door().stream, machine.watch(), "app-1", told.append, Deadline.after(20))
    fault = catalog.build(_plan(), machine.proxy(lease), "a-run")
    fault.prepare()
    fault.inject()
    assert machine.toxics() == ["gd-a-run-f1"]
    threading.Event().wait(LEASE_S + 1)
    assert machine.toxics() == ["gd-a-run-f1"], "a lease that is renewed is no reason to heal"
    machine.cut()
    try:
        took_s = until(lambda: machine.toxics() == [], BUSY * (LEASE_S + 1.5))
        assert took_s > LEASE_S - 1
        until(lambda: lease.lost, BUSY * (LEASE_S + 1.5))
        assert "has not answered for 3 s" in lease.lost or "can't be reached" in lease.lost
        with pytest.raises(NotHealed, match="the lease keeper on app-1 takes it off by itself") as failure:
            fault.heal(Deadline.after(5))
        assert failure.value.mend.startswith(f"curl -X DELETE {machine.url}/proxies/app/toxics/gd-a-run-f1")
    finally:
        machine.mend()
    until(lambda: _connects(machine.address, API_PORT), BUSY * 5)
    assert fault.heal(Deadline.after(20)).rung == "absent"
    fault.close()
    lease.close()
    assert [record.state for record in told] == ["stands", "lost"]
    with pytest.raises(ReachFailed, match="can't reach Toxiproxy's API"):
        look(machine.door().stream, Watch("x", machine.address, API_PORT + 1), Deadline.after(20))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_keeper_takes_the_fault_off_when_the_conductor_is_no_more(
    machine: OtherMachine, number: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "conductor.py"
    script.write_text(_CONDUCTOR)
    arguments = [machine.url, f"{getpass.getuser()}@{machine.address}:{SSH_PORT}", machine.address]
    arguments += [str(machine.identity), str(machine.known_hosts), str(machine.folder / "no_ssh_config"), number.name]
    with subprocess.Popen([sys.executable, "-P", str(script), *arguments], stdout=subprocess.PIPE, text=True) as dying:
        assert dying.stdout is not None
        try:
            assert dying.stdout.readline() == "injected\n"
            assert machine.toxics() == [f"gd-{number.name}-f1"]
            dying.send_signal(number)
            until(lambda: machine.toxics() == [], BUSY * (LEASE_S + 1.5))
        finally:
            dying.kill()


_CONDUCTOR = """
import sys, threading
from pathlib import Path
from faults import catalog
from faults.fault import FaultPlan
from faults.lease.lease import Lease, Watch
from faults.probe import TcpProbe
from faults.wire_proxy import WireProxy
from harness.clock import Deadline
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import ToxiproxyApi

url, ssh, host, identity, known_hosts, config, run = sys.argv[1:]
allow = AllowList([f"{host}/32"])
door = SshDoor("app-1", ssh, allow=allow, identity=Path(identity), known_hosts=Path(known_hosts),
               ssh_config=Path(config))
watch = Watch(run, host, 8474, {"app": (f"{host}:9001", "127.0.0.1:9000")}, bound_s=120.0, try_s=5.0)
lease = Lease.start(door.stream, watch, "app-1", lambda record: None, Deadline.after(20))
proxy = WireProxy("app", f"{host}:9001", "127.0.0.1:9000", ToxiproxyApi(url, allow),
                  lambda: TcpProbe((host, 9001), allow=allow), lease=lease)
params = catalog.KINDS["timeout"].params()
from faults.toxics.timeout import timeout
fault = timeout(FaultPlan("f1", "silent", "timeout", "app", params, 0.0, 60.0), proxy, run)
fault.prepare()
fault.inject()
print("injected", flush=True)
threading.Event().wait(60)
"""
