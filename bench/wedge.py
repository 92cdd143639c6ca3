"""How soon traffic is back when Toxiproxy itself breaks under a fault: `bench/wedge.py --trials 50`.

Each trial has a real toxiproxy-server of its own, real clients, a real fault on its proxy, and then the server broken:

    frozen      SIGSTOP
    dead        SIGKILL
    deadlocked  the known deadlock of its control API: large answers held back from clients that give up
    deaf        the same by one client that never reads while the upstream streams

Then the halt. What counts is the time from the halt until a request through the proxy is answered as before the
fault. A managed server may be restarted; somebody's own may only be asked.
"""

# ruff: noqa: INP001 - a script of its own, no package
from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from faults import catalog
from faults.fault import FaultPlan
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import HttpProbe
from faults.toxiproxy_binary import find_or_build
from faults.toxiproxy_server import ManagedServer, ProxySpec
from faults.wire_proxy import WireProxy
from harness.clock import Clock, Deadline, boot_s
from harness.journal.record import FaultHealed, HealFailed, InjectionFailed, Record
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi

KINDS = ("frozen", "dead", "deadlocked", "deaf")
LIMIT_S = 5.0
_LOOPBACK = AllowList(["127.0.0.0/8"])
_LARGE = bytes(200_000)
_CLIENTS = 10
_GIVE_UP_S = 0.4
_UNDER_FAULT_S = 1.3
_BACK_WITHIN_S = 12.0
_NOTHING = Observation(0.0, 1.0)


@dataclass
class Trial:
    """How one went. `back_s`: from the halt to the first answer as before the fault; None: it never came."""

    kind: str
    managed: bool
    rung: str
    said_s: float
    back_s: float | None
    grown_mb: float
    wedged: bool = True

    @property
    def in_time(self) -> bool:
        return self.back_s is not None and self.back_s <= LIMIT_S


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(_LARGE if self.path == "/large" else b"ok")
            while self.path == "/endless":
                self.wfile.write(bytes(65536))

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Upstream(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Connections cut by a fault are what this is for."""


@dataclass
class _Bench:
    server: ManagedServer
    api: ToxiproxyApi
    folder: Path
    over: threading.Event
    records: list[Record] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.server.proxies[0].listen.rpartition(":")
        return host, int(port)


@contextmanager
def _bench(binary: Path) -> Iterator[_Bench]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gameday-wedge-")))
        upstream = _Upstream(("127.0.0.1", 0), _Answers)
        stack.callback(upstream.server_close)
        threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        stack.callback(upstream.shutdown)
        spec = ProxySpec("app", "127.0.0.1:0", f"127.0.0.1:{upstream.server_address[1]}")
        server = ManagedServer.ensure(folder / "toxiproxy", [spec], Deadline.after(20), binary=binary)
        stack.callback(_stop, folder / "toxiproxy")
        over = threading.Event()
        stack.callback(over.set)
        yield _Bench(server, ToxiproxyApi(server.api_url, _LOOPBACK), folder, over)


def _stop(folder: Path) -> None:
    """Whatever the trial has made of it."""
    server = ManagedServer.attach(folder)
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGCONT)
    server.stop()


def _abort(address: tuple[str, int], over: threading.Event) -> None:
    """A client that asks for much and gives up early, again and again."""
    while not over.is_set():
        with suppress(OSError), socket.create_connection(address, timeout=_GIVE_UP_S) as link:
            link.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            over.wait(_GIVE_UP_S)


def _deaf(address: tuple[str, int], over: threading.Event) -> None:
    with suppress(OSError), socket.create_connection(address, timeout=3) as link:
        link.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        over.wait()


def _rss_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def _play(kind: str, binary: Path, *, managed: bool) -> Trial:
    with _bench(binary) as bench:
        clock, halt = Clock.start(), threading.Event()
        journal = Journal(bench.folder / "journal", "conductor", clock)
        before_mb = _rss_mb(bench.server.pid)
        injection = _injection(bench, journal, clock, managed=managed)
        playing = threading.Thread(target=injection.play, args=(halt,))
        playing.start()
        _until(lambda: injection.state == "on" or bool(bench.records), 10)
        _traffic(kind, bench)
        threading.Event().wait(_UNDER_FAULT_S)
        grown_mb = _rss_mb(bench.server.pid) - before_mb
        if kind in {"frozen", "dead"}:
            os.kill(bench.server.pid, signal.SIGSTOP if kind == "frozen" else signal.SIGKILL)
        halted = boot_s()
        halt.set()
        injection.heal(Deadline.after(LIMIT_S))
        said_s = boot_s() - halted
        back = _until(lambda: _answered(bench), _BACK_WITHIN_S if managed or kind in {"deadlocked", "deaf"} else 0.5)
        back_s = boot_s() - halted if back else None
        bench.over.set()
        playing.join(10)
        journal.close()
        rung = _rung(bench.records)
        return Trial(kind, managed, rung, said_s, back_s, grown_mb, wedged=rung != "delete")


def _injection(bench: _Bench, journal: Journal, clock: Clock, *, managed: bool) -> Injection:
    spec = bench.server.proxies[0]
    proxy = WireProxy(
        name=spec.name,
        listen=spec.listen,
        upstream=spec.upstream,
        api=bench.api,
        open_probe=lambda: HttpProbe("http://upstream/", allow=_LOOPBACK, via=bench.address),
        managed_folder=str(bench.server.folder) if managed else "",
    )
    params = catalog.KINDS["latency"].params.model_validate({"latency": "1s", "stream": "downstream"})
    plan = FaultPlan("latency", "a slow answer", "latency", "app", params, 0.0, 60.0)
    return Injection(
        catalog.build(plan, proxy, "wedge"),
        journal=journal,
        emit=bench.records.append,
        observe=lambda *_: _NOTHING,
        baseline=lambda: _NOTHING,
        clock=clock,
    )


def _traffic(kind: str, bench: _Bench) -> None:
    clients: list[Callable[[tuple[str, int], threading.Event], None]] = [_deaf] if kind == "deaf" else []
    clients += [_abort] * (_CLIENTS if kind == "deadlocked" else 2)
    for client in clients:
        threading.Thread(target=client, args=(bench.address, bench.over), daemon=True).start()


def _answered(bench: _Bench) -> bool:
    probe = HttpProbe("http://upstream/", allow=_LOOPBACK, via=bench.address)
    try:
        return probe.measure(0.5).ok
    finally:
        probe.close()


def _until(happened: Callable[[], bool], within_s: float) -> bool:
    deadline, pause = Deadline.after(within_s), threading.Event()
    while not happened():
        if deadline.passed:
            return False
        pause.wait(0.02)
    return True


def _rung(records: list[Record]) -> str:
    for record in records:
        if isinstance(record, FaultHealed):
            return record.rung if record.verified is not False else f"{record.rung}, wire not back"
        if isinstance(record, HealFailed):
            return "not healed, says what to type" if record.command else "not healed"
        if isinstance(record, InjectionFailed):
            return "injection failed"
    return "nothing was said"


def _print(trials: list[Trial]) -> None:
    heading = (
        "server",
        "broken by",
        "trials",
        "broken",
        "back <= 5 s",
        "median s",
        "worst s",
        "said s",
        "RSS MB",
        "rung",
    )
    _say(("{:8} {:11} {:>6} {:>6} {:>12} {:>9} {:>8} {:>7} {:>7}  {}").format(*heading))
    for managed in (True, False):
        for kind in KINDS:
            group = [t for t in trials if t.kind == kind and t.managed == managed]
            if group:
                _print_group(kind, group, managed=managed)


def _print_group(kind: str, group: list[Trial], *, managed: bool) -> None:
    back = [t.back_s for t in group if t.back_s is not None]
    rungs = ", ".join(f"{rung} {count}" for rung, count in Counter(t.rung for t in group).most_common())
    _say(
        f"{'managed' if managed else 'own':8} {kind:11} {len(group):6} {sum(t.wedged for t in group):6} "
        f"{sum(t.in_time for t in group):6} of {len(group):<3}"
        f"{statistics.median(back) if back else float('nan'):8.2f} {max(back, default=float('nan')):8.2f} "
        f"{max(t.said_s for t in group):7.2f} {max(t.grown_mb for t in group):7.0f}  {rungs}"
    )


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon traffic is back when Toxiproxy itself breaks.")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--servers", default="managed,own")
    asked = parser.parse_args()
    binary = find_or_build(Deadline.after(300))
    trials = []
    for server in asked.servers.split(","):
        for kind in asked.kinds.split(","):
            for _ in range(asked.trials):
                trials.append(_play(kind, binary, managed=server == "managed"))
                _say(".", end="")
    _say("")
    _print(trials)


if __name__ == "__main__":
    main()
