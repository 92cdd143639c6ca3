"""What a toxic is played on: a managed server with one proxy, what it leads to, and a small platform in front of it."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from faults import catalog
from faults.fault import FaultPlan
from faults.injection import Injection
from faults.observation import Observation
from faults.probe import HttpProbe
from faults.toxiproxy_server import ManagedServer, ProxySpec
from faults.wire_proxy import WireProxy
from harness.clock import Clock
from harness.journal import histogram
from harness.journal.record import Record, RequestStats
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi
from harness.reach.toxiproxy_state import ProxyState

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


class Answer(BaseHTTPRequestHandler):
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
