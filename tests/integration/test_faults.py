"""Every fault on a real toxiproxy-server with a real upstream: injected, proven on both sides, healed, outlived."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faults import catalog, healing, process
from faults.fault import FaultPlan
from faults.healer import start_healer
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import HttpProbe
from faults.toxiproxy_binary import find_or_build
from faults.toxiproxy_server import ManagedServer, ProxySpec
from faults.undo import ProcessUndo, ToxicUndo
from faults.undo_log import pending
from faults.wire_proxy import WireProxy
from harness.clock import Clock, Deadline, boot_s
from harness.journal import histogram, reader
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    HealFailed,
    InjectionFailed,
    LoadStopped,
    Proof,
    Record,
    RequestStats,
    UndoWritten,
)
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi
from harness.reach.toxiproxy_state import ProxyState, ToxicState

pytestmark = pytest.mark.integration
BUSY = 3  # how much longer everything may take on a machine that other work keeps busy
LOOPBACK = AllowList(["127.0.0.0/8"])
PARAMS: dict[str, dict[str, object]] = {
    "latency": {"latency": "80ms", "jitter": "10ms"},
    "timeout": {},
    "down": {},
    "pool-exhaustion": {"hold": "5s"},
    "bandwidth": {"rate": "40KB/s", "stream": "downstream"},
    "slicer": {"average_size": 500, "variation": 100, "delay": "15ms", "stream": "downstream"},
    "slow-close": {"delay": "200ms", "stream": "downstream"},
    "reset-peer": {"after": "100ms"},
    "limit-data": {"bytes": "1KB"},
    "flap": {"period": "1s", "down": "50%"},
}
SWITCHES = ("down", "flap")  # not toxics: the proxy is closed, and healed by opening it
BODY = b"ok" * 2000


class Upstream(ThreadingHTTPServer):
    """What the proxy leads to: answers every GET at once."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections cut by a fault are what this is for."""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()  # no length: the answer ends with its connection, so that its close is waited for
        self.wfile.write(BODY)
        while self.path == "/endless":
            self.wfile.write(bytes(65536))

    def log_message(self, *_: object) -> None:
        """Quiet."""


@dataclass
class Client:
    """The platform in small: a few threads that ask through an address and remember how it went."""

    address: tuple[str, int]
    clock: Clock
    asked: list[tuple[float, float, bool]] = field(default_factory=list)
    in_flight: int = 0

    def run(self, over: threading.Event) -> None:
        while not over.wait(0.02):
            begun = self.clock.now_s()
            self.in_flight += 1
            ok = self._ask()
            self.in_flight -= 1
            now = self.clock.now_s()
            self.asked.append((now, (now - begun) * 1000, ok))

    def _ask(self) -> bool:
        link = http.client.HTTPConnection(*self.address, timeout=0.4)
        try:
            link.request("GET", "/")
            return link.getresponse().read() == BODY
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def observe(self, start_s: float, end_s: float) -> Observation:
        seen = [(ms, ok) for t, ms, ok in list(self.asked) if start_s <= t < end_s]
        stats = RequestStats(
            requests=len(seen),
            failures={"connection": failed} if (failed := sum(not ok for _, ok in seen)) else {},
            histogram=histogram.merge({histogram.bucket_of(ms): 1} for ms, _ in seen),
        )
        return Observation(start_s, end_s, {"GET /": stats} if seen else {}, in_flight=float(self.in_flight))


@dataclass
class Stage:
    """One managed server with one proxy to the upstream, and what an injection needs."""

    server: ManagedServer
    api: ToxiproxyApi
    spec: ProxySpec
    folder: Path
    clock: Clock
    records: list[Record] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.spec.listen.rpartition(":")
        return host, int(port)

    def proxy(self, *, managed: bool = True) -> WireProxy:
        return WireProxy(
            name=self.spec.name,
            listen=self.spec.listen,
            upstream=self.spec.upstream,
            api=self.api,
            open_probe=lambda: HttpProbe("http://upstream/", allow=LOOPBACK, via=self.address),
            managed_folder=str(self.folder / "toxiproxy") if managed else "",
            sessions="database.main",
        )

    def of(self, kind: type[Record]) -> list[Record]:
        return [r for r in self.records if isinstance(r, kind)]

    def state(self) -> ProxyState:
        return self.api.proxy(self.spec.name)


@pytest.fixture(scope="module")
def binary() -> Path:
    return find_or_build(Deadline.after(300))


@pytest.fixture
def upstream() -> Iterator[str]:
    with Upstream(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def stage(tmp_path: Path, binary: Path, upstream: str) -> Iterator[Stage]:
    spec = ProxySpec("postgres", "127.0.0.1:0", upstream)
    server = ManagedServer.ensure(tmp_path / "toxiproxy", [spec], Deadline.after(10), binary=binary)
    api = ToxiproxyApi(server.api_url, LOOPBACK)
    yield Stage(server, api, server.proxies[0], tmp_path, Clock.start())
    server.stop()


@pytest.fixture
def journal(stage: Stage) -> Iterator[Journal]:
    with Journal(stage.folder / "journal", "conductor", stage.clock) as journal:
        yield journal


@pytest.fixture
def client(stage: Stage) -> Iterator[Client]:
    over = threading.Event()
    client = Client(stage.address, stage.clock)
    threads = [threading.Thread(target=client.run, args=(over,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    over.wait(0.7)
    yield client
    over.set()
    for thread in threads:
        thread.join()


def plan(kind: str, for_s: float, **params: object) -> FaultPlan:
    chosen = catalog.KINDS[kind].params.model_validate(params or PARAMS[kind])
    return FaultPlan(f"fault-{kind}", f"a {kind}", kind, "postgres", chosen, 0.0, for_s)


def injection(stage: Stage, journal: Journal, client: Client, what: FaultPlan, *, managed: bool = True) -> Injection:
    begun = stage.clock.now_s()
    return Injection(
        catalog.build(what, stage.proxy(managed=managed), "run1"),
        journal=journal,
        emit=stage.records.append,
        observe=client.observe,
        baseline=lambda: client.observe(begun - 0.7, begun),
        clock=stage.clock,
    )


def wait_for(happened: Callable[[], bool], within_s: float) -> float:
    """Seconds until it happened."""
    begun, pause = boot_s(), threading.Event()
    while not happened():
        assert boot_s() - begun < BUSY * within_s, "it did not happen in time"
        pause.wait(0.01)
    return boot_s() - begun


@pytest.mark.parametrize("kind", sorted(PARAMS))
def test_a_fault_is_proven_on_both_sides_and_healed(kind: str, stage: Stage, journal: Journal, client: Client) -> None:
    injection(stage, journal, client, plan(kind, 4.0)).play(threading.Event())
    proofs = {proof.side: proof for proof in stage.records if isinstance(proof, Proof)}
    assert {side: proof.effective for side, proof in proofs.items()} == {"wire": True, "platform": True}
    (healed,) = stage.of(FaultHealed)
    assert isinstance(healed, FaultHealed)
    assert healed.verified is True
    assert healed.rung == ("enable" if kind in SWITCHES else "delete")
    state = stage.state()
    assert state.enabled
    assert state.toxics == ()


def test_the_undo_record_is_on_disk_before_the_fault_is_in(stage: Stage, journal: Journal, client: Client) -> None:
    what = injection(stage, journal, client, plan("latency", 5))
    halt = threading.Event()
    thread = threading.Thread(target=what.play, args=(halt,))
    thread.start()
    wait_for(lambda: bool(stage.state().toxics), 3)
    (undo,) = reader.read(stage.folder).of(UndoWritten)
    assert isinstance(healing.read_undo(undo.undo), ToxicUndo)
    halt.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_heal_from_another_thread_is_quick_while_a_probe_hangs(
    stage: Stage, journal: Journal, client: Client
) -> None:
    what = injection(stage, journal, client, plan("pool-exhaustion", 20))
    halt = threading.Event()
    thread = threading.Thread(target=what.play, args=(halt,))
    thread.start()
    wait_for(lambda: what.state == "on", 3)
    threading.Event().wait(0.6)  # the first probe waits for its answer now
    begun = boot_s()
    halt.set()
    assert what.heal(Deadline.after(5))
    assert boot_s() - begun < 0.5
    assert stage.state().toxics == ()
    thread.join(8)
    assert not thread.is_alive()
    assert len(stage.of(FaultHealed)) == 1
    wire = [p for p in stage.records if isinstance(p, Proof) and p.side == "wire"]
    assert [p.effective for p in wire] == [None]  # the halt came first


def test_a_toxic_that_somebody_takes_off_is_no_effective_fault(stage: Stage, journal: Journal, client: Client) -> None:
    what = injection(stage, journal, client, plan("latency", 4.0))
    thread = threading.Thread(target=what.play, args=(threading.Event(),))
    thread.start()
    wait_for(lambda: any(isinstance(r, Proof) and r.side == "wire" for r in stage.records), 3)
    stage.api.remove_toxic("postgres", stage.state().toxics[0].name)
    thread.join(10)
    wire = [p for p in stage.records if isinstance(p, Proof) and p.side == "wire"]
    assert [p.effective for p in wire] == [True, False]
    assert "somebody took it off, or its server was restarted" in wire[-1].measured


def test_a_platform_that_bypasses_the_proxy_has_no_proof(
    stage: Stage, journal: Journal, client: Client, upstream: str
) -> None:
    client.address = ("127.0.0.1", int(upstream.rpartition(":")[2]))
    threading.Event().wait(0.8)
    injection(stage, journal, client, plan("latency", 3.2)).play(threading.Event())
    proofs = {proof.side: proof.effective for proof in stage.records if isinstance(proof, Proof)}
    assert proofs == {"wire": True, "platform": False}


def test_an_absent_proxy_is_an_injection_that_failed(stage: Stage, journal: Journal, client: Client) -> None:
    stage.api.delete_proxy("postgres")
    injection(stage, journal, client, plan("latency", 4.0)).play(threading.Event())
    (failed,) = stage.records
    assert isinstance(failed, InjectionFailed)
    assert "no proxy named postgres" in failed.reason


def test_overlapping_faults_on_one_proxy_heal_one_by_one(stage: Stage, journal: Journal, client: Client) -> None:
    long, short = plan("latency", 3.0), plan("timeout", 1.0)
    threads = [
        threading.Thread(target=injection(stage, journal, client, what).play, args=(threading.Event(),))
        for what in (long, short)
    ]
    threads[0].start()
    wait_for(lambda: bool(stage.of(FaultInjected)), 3)
    threads[1].start()
    for thread in threads:
        thread.join(10)
    healed = [r for r in stage.records if isinstance(r, FaultHealed)]
    assert [(h.fault_id, h.rung) for h in healed] == [("fault-timeout", "delete"), ("fault-latency", "delete")]
    assert healed[-1].verified is True
    assert stage.state().toxics == ()


def test_the_healer_heals_every_kind_within_3_s_of_the_conductors_sigkill(stage: Stage, tmp_path: Path) -> None:
    states = {kind: stage.api.create_proxy(kind, "127.0.0.1:0", stage.spec.upstream) for kind in PARAMS}
    script = tmp_path / "conductor.py"
    script.write_text(_CONDUCTOR)
    listens = [f"{kind}={state.listen}" for kind, state in states.items()]
    first = [stage.api.url, stage.spec.upstream, str(tmp_path / "run"), json.dumps(PARAMS)]
    command = [sys.executable, "-P", str(script), *first, *listens]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dying:
        assert dying.stdout is not None
        load_pid, healer_pid = (int(n) for n in dying.stdout.readline().split())
        assert [dying.stdout.readline() for _ in PARAMS] == ["injected\n"] * len(PARAMS)
        load_ticks, healer_ticks = process.start_ticks(load_pid), process.start_ticks(healer_pid)
        assert load_ticks is not None
        assert healer_ticks is not None
        assert {p.name for p in stage.api.proxies() if not p.toxics} == {"postgres", *SWITCHES}
        assert not stage.api.proxy("down").enabled
        dying.send_signal(signal.SIGKILL)
        took_s = wait_for(lambda: all(p.enabled and not p.toxics for p in stage.api.proxies()), 3)
        wait_for(lambda: not process.is_alive(load_pid, load_ticks), 3 - took_s)
    wait_for(lambda: not process.is_alive(healer_pid, healer_ticks), 10)
    journal = reader.read(tmp_path / "run")
    assert {(h.fault_id, h.by) for h in journal.of(FaultHealed)} == {(kind, "healer") for kind in PARAMS}
    assert len(journal.of(LoadStopped)) == 1
    assert pending(tmp_path / "run") == ()
    assert all(p.enabled and not p.toxics for p in stage.api.proxies()), "what flaps has not come back"


def test_after_the_kill_of_both_the_journal_is_enough_to_heal(stage: Stage, journal: Journal) -> None:
    fault = catalog.build(plan("timeout", 10), stage.proxy(), "run1")
    journal.commit(UndoWritten(fault_id=fault.plan.id, undo=fault.prepare().model_dump(mode="json")))
    fault.inject()
    fault.close()
    (undo,) = pending(stage.folder)
    assert healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "delete"
    assert healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "absent"
    assert stage.state().toxics == ()


def test_a_dismissed_healer_touches_nothing(stage: Stage, journal: Journal) -> None:
    fault = catalog.build(plan("latency", 10), stage.proxy(), "run1")
    journal.commit(UndoWritten(fault_id=fault.plan.id, undo=fault.prepare().model_dump(mode="json")))
    fault.inject()
    healer = start_healer(stage.folder, stage.clock, LOOPBACK)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(healer.pid, number)
    assert healer.alive
    healer.dismiss()
    assert not healer.alive
    assert len(stage.state().toxics) == 1
    fault.heal(Deadline.after(5))
    fault.close()


def test_a_stopped_server_of_ours_is_restarted(stage: Stage, journal: Journal, client: Client) -> None:
    what = injection(stage, journal, client, plan("latency", 20))
    halt = threading.Event()
    thread = threading.Thread(target=what.play, args=(halt,))
    thread.start()
    wait_for(lambda: what.state == "on", 3)
    os.kill(stage.server.pid, signal.SIGSTOP)
    begun = boot_s()
    assert what.heal(Deadline.after(15))
    assert boot_s() - begun < 15
    thread.join(15)
    (healed,) = [r for r in stage.records if isinstance(r, FaultHealed)]
    assert healed.rung == "restart"
    assert healed.verified is True
    assert "no longer answered" in healed.note
    assert stage.state().toxics == ()
    # the fixture ends the server by its folder's new state
    stage.server = ManagedServer.attach(stage.folder / "toxiproxy")


def test_somebodys_stopped_server_is_a_fault_not_healed_with_its_command(stage: Stage) -> None:
    fault = catalog.build(plan("latency", 20), stage.proxy(managed=False), "run1")
    undo = fault.prepare()
    fault.inject()
    os.kill(stage.server.pid, signal.SIGSTOP)
    begun = boot_s()
    try:
        with pytest.raises(healing.NotHealed) as failure:
            healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
    finally:
        os.kill(stage.server.pid, signal.SIGCONT)
    assert boot_s() - begun < 5
    assert failure.value.mend.startswith(f"curl -X DELETE {stage.api.url}/proxies/postgres/toxics/gd-run1-")
    fault.close()


def test_somebodys_wedged_proxy_is_replaced_and_it_is_said(stage: Stage, journal: Journal, client: Client) -> None:
    what = plan("latency", 5.0, latency="80ms", stream="downstream")
    # a client that never reads while the upstream streams: adding a toxic never returns then, and nothing after it
    with socket.create_connection(stage.address) as deaf:
        deaf.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(0.5)
        begun = boot_s()
        injection(stage, journal, client, what, managed=False).play(threading.Event())
        assert boot_s() - begun < 3 + 5  # the call that hangs, and the ladder
    (failed,) = stage.records
    assert isinstance(failed, InjectionFailed)
    assert "postgres-gameday took its place" in failed.reason
    assert HttpProbe("http://upstream/", allow=LOOPBACK, via=stage.address).measure(1).ok


def test_on_somebodys_server_only_our_toxic_is_touched(stage: Stage, journal: Journal, client: Client) -> None:
    foreign = stage.api.add_toxic("postgres", ToxicState("theirs", "latency", "downstream", 1.0, {"latency": 3}))
    stage.api.create_proxy("closed", "127.0.0.1:0", stage.spec.upstream, enabled=False)
    injection(stage, journal, client, plan("latency", 1.0), managed=False).play(threading.Event())
    assert stage.of(FaultHealed)
    assert stage.state().toxics == (foreign,)
    assert not stage.api.proxy("closed").enabled


def test_a_server_that_died_took_the_fault_with_it(stage: Stage, journal: Journal) -> None:
    theirs = catalog.build(plan("latency", 20), stage.proxy(managed=False), "run1")
    ours = catalog.build(plan("timeout", 20), stage.proxy(), "run1")
    undos = theirs.prepare(), ours.prepare()
    theirs.inject()
    os.kill(stage.server.pid, signal.SIGKILL)
    wait_for(lambda: not stage.server.alive, 3)
    gone, restarted = (healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK) for undo in undos)
    assert gone.rung == "gone"
    assert "nothing listens" in gone.note
    assert restarted.rung == "restart"
    assert stage.state().enabled
    stage.server = ManagedServer.attach(stage.folder / "toxiproxy")
    theirs.close()
    ours.close()


def test_a_process_group_is_ended_with_its_members_and_no_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os,time\nos.fork()\nos.write(1,b'up\\n')\ntime.sleep(20)"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as leader:
        assert leader.stdout is not None
        assert [leader.stdout.readline() for _ in range(2)] == [b"up\n", b"up\n"]
        ticks = process.start_ticks(leader.pid)
        assert ticks is not None
        another = ProcessUndo(fault_id="load", pgid=leader.pid, start_ticks=ticks - 1, what="locust")
        assert healing.heal(another, deadline=Deadline.after(2), allow=LOOPBACK).rung == "gone"
        assert process.is_alive(leader.pid, ticks)
        undo = ProcessUndo(fault_id="load", pgid=leader.pid, start_ticks=ticks, what="locust")
        assert healing.heal(undo, deadline=Deadline.after(2), allow=LOOPBACK).rung == "killed"
        assert leader.stdout.read() == b""  # the member's end of the pipe is closed too
        assert healing.heal(undo, deadline=Deadline.after(2), allow=LOOPBACK).rung == "gone"


def test_a_taken_listen_port_leaves_a_down_fault_not_healed(stage: Stage, journal: Journal) -> None:
    fault = catalog.build(plan("down", 5), stage.proxy(managed=False), "run1")
    undo = fault.prepare()
    fault.inject()
    with socket.create_server(stage.address), pytest.raises(healing.NotHealed) as failure:
        healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK)
    assert "address already in use" in failure.value.what
    assert healing.heal(undo, deadline=Deadline.after(5), allow=LOOPBACK).rung == "enable"
    assert not stage.of(HealFailed)


_CONDUCTOR = """
import json, subprocess, sys, threading
from pathlib import Path
from faults import catalog, process
from faults.fault import FaultPlan
from faults.healer import start_healer
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import HttpProbe
from faults.undo import ProcessUndo
from faults.wire_proxy import WireProxy
from harness.clock import Clock
from harness.journal.record import FaultInjected, UndoWritten
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi

url, upstream, folder, chosen, *listens = sys.argv[1:]
allow, clock = AllowList(["127.0.0.0/8"]), Clock.start()
journal = Journal(Path(folder) / "journal", "conductor", clock)
healer = start_healer(Path(folder), clock, allow)
# a child that inherits whatever can be inherited, and outlives us: the healer must hear of our end all the same
load = subprocess.Popen(["sleep", "60"], close_fds=False, start_new_session=True, stdout=subprocess.DEVNULL)
undo = ProcessUndo(fault_id="load", pgid=load.pid, start_ticks=process.start_ticks(load.pid), what="locust")
journal.commit(UndoWritten(fault_id="load", undo=undo.model_dump(mode="json")))
print(load.pid, healer.pid, flush=True)
nothing, lock = Observation(0.0, 1.0), threading.Lock()

def emit(record):
    journal.write(record)
    if isinstance(record, FaultInjected):
        with lock:
            print("injected", flush=True)

def play(kind, listen):
    host, port = listen.split(":")
    proxy = WireProxy(kind, listen, upstream, ToxiproxyApi(url, allow),
                      lambda: HttpProbe("http://up/", allow=allow, via=(host, int(port))), sessions="database.main")
    params = catalog.KINDS[kind].params.model_validate(json.loads(chosen)[kind])
    fault = catalog.build(FaultPlan(kind, kind, kind, kind, params, 0.0, 30.0), proxy, "run1")
    Injection(fault, journal=journal, emit=emit, observe=lambda a, b: nothing, baseline=lambda: nothing,
              clock=clock).play(threading.Event())

for pair in listens:
    threading.Thread(target=play, args=pair.split("=")).start()
"""
