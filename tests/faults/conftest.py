"""A small fake Toxiproxy API for what the real one can't be made to show on demand, and a scripted probe."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from served import served

from faults.probe import Sample
from faults.wire_proxy import WireProxy
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi

LOOPBACK = AllowList(["127.0.0.0/8"])


class FakeToxiproxy(ThreadingHTTPServer):
    """Keeps proxies and toxics as the real one does. `hang(predicate)`: calls that never return; `html_503`: calls that
    the server gives up on; misspelt attributes are dropped silently."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.proxies: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.switches: list[bool] = []
        self.hangs: Callable[[str], bool] = lambda _: False
        self.gives_up: Callable[[str], bool] = lambda _: False
        self.over = threading.Event()
        self.add("pg")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, name: str, *, enabled: bool = True) -> dict[str, Any]:
        self.proxies[name] = {
            "name": name,
            "listen": "127.0.0.1:15432",
            "upstream": "127.0.0.1:5432",
            "enabled": enabled,
            "Logger": {},
            "toxics": [],
        }
        return self.proxies[name]

    def toxics(self, proxy: str = "pg") -> list[str]:
        return [t["name"] for t in self.proxies[proxy]["toxics"]]

    def handle(self, verb: str, parts: list[str], body: dict[str, Any]) -> tuple[int, object]:
        if parts == ["version"]:
            return 200, {"version": "2.12.0"}
        if parts == ["proxies"] and verb == "POST":
            return self._create(body)
        proxy = self.proxies.get(parts[1])
        if proxy is None:
            return 404, {"error": "proxy not found", "status": 404}
        if len(parts) == 2:
            if verb == "PATCH":
                proxy["enabled"] = body["enabled"]
                self.switches.append(body["enabled"])
            return 200, proxy
        return self._toxic(verb, proxy["toxics"], parts[3:], body)

    def _create(self, body: dict[str, Any]) -> tuple[int, object]:
        if body["name"] in self.proxies:
            return 409, {"error": "proxy already exists", "status": 409}
        if any(p["enabled"] and p["listen"] == body["listen"] for p in self.proxies.values()):
            return 500, {"error": f"listen tcp {body['listen']}: bind: address already in use", "status": 500}
        return 201, self.add(body["name"]) | {"listen": body["listen"], "upstream": body["upstream"]}

    def _toxic(self, verb: str, toxics: list[Any], rest: list[str], body: dict[str, Any]) -> tuple[int, object]:
        if verb == "POST":
            known = {"latency", "jitter", "timeout", "rate", "average_size", "size_variation", "delay", "bytes"}
            toxics.append(body | {"attributes": {k: v for k, v in body["attributes"].items() if k in known}})
            return 200, toxics[-1]
        for toxic in toxics:
            if toxic["name"] == rest[0]:
                toxics.remove(toxic)
                return 204, None
        return 404, {"error": "toxic not found", "status": 404}


class _Api(BaseHTTPRequestHandler):
    server: FakeToxiproxy

    def _call(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = f"{self.command} {self.path}"
        self.server.calls.append(call)
        if self.server.hangs(call):
            if call.startswith("PATCH"):
                # the wedged call frees the listener before it hangs
                self.server.handle("PATCH", self.path.strip("/").split("/"), json.loads(body))
            self.server.over.wait(20)
            return
        status, answer = self.server.handle(
            self.command, self.path.strip("/").split("/"), json.loads(body) if body else {}
        )
        data = b"" if answer is None else json.dumps(answer).encode()
        if self.server.gives_up(call):
            status, data = 503, b"<html>Timeout</html>"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _call  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Quiet."""


@dataclass
class ScriptedProbe:
    """Answers from a script; the last entry goes on for ever."""

    script: list[Sample]
    what: str = "SELECT 1"
    round_trips: int = 1
    keeps_connection: bool = True
    renewed: int = 0
    closed: bool = False
    timeouts_s: list[float] = field(default_factory=list)
    carried: list[tuple[str, int]] = field(default_factory=list)

    def measure(self, timeout_s: float) -> Sample:
        self.timeouts_s.append(timeout_s)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def carry(self, stream: str, amount_bytes: int, timeout_s: float) -> Sample:
        """As scripted; a sample that says no bytes carries what it was asked."""
        self.carried.append((stream, amount_bytes))
        sample = self.measure(timeout_s)
        return replace(sample, bytes=sample.bytes or amount_bytes)

    def renew(self) -> None:
        self.renewed += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def toxiproxy() -> Iterator[FakeToxiproxy]:
    with served(FakeToxiproxy()) as server:
        yield server
        server.over.set()


@pytest.fixture
def probe() -> ScriptedProbe:
    return ScriptedProbe([Sample(ok=True, elapsed_ms=1.0)])


@pytest.fixture
def wire(toxiproxy: FakeToxiproxy, probe: ScriptedProbe) -> WireProxy:
    api = ToxiproxyApi(toxiproxy.url, LOOPBACK, 1.0)
    return WireProxy("pg", "127.0.0.1:15432", "127.0.0.1:5432", api, lambda: probe, sessions="database.main")


@pytest.fixture
def scripted() -> type[ScriptedProbe]:
    return ScriptedProbe
