"""A server inside the allow list that sends us elsewhere: no door follows it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from harness.clock import Deadline
from harness.errors import NotAllowed, ReachFailed
from harness.reach import http as web
from harness.reach.allow_list import AllowList
from harness.reach.docker import DockerDoor
from harness.reach.toxiproxy import ToxiproxyApi

ALLOW = AllowList(["127.0.0.1/32"])


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """Sends everybody to the second server."""

    def answer(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(307)
        self.send_header("Location", f"{self.server.elsewhere}{self.path}")  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        pass


def serving(host: str) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer((host, 0), _Elsewhere)
    server.asked, server.elsewhere = [], ""  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture
def servers() -> Iterator[tuple[str, list[str]]]:
    """host:port of the one that is allowed, and what the other was asked."""
    allowed, outside = serving("127.0.0.1"), serving("127.0.0.2")
    allowed.elsewhere = f"http://127.0.0.2:{outside.server_address[1]}"  # type: ignore[attr-defined]
    yield f"127.0.0.1:{allowed.server_address[1]}", outside.asked  # type: ignore[attr-defined]
    for server in (allowed, outside):
        server.shutdown()
        server.server_close()


def test_the_web_door_answers_with_the_redirect_itself(servers: tuple[str, list[str]]) -> None:
    address, asked = servers
    assert web.probe(f"http://{address}/", allow=ALLOW, timeout_s=5).status == 307
    assert web.fetch(f"http://{address}/", allow=ALLOW, timeout_s=5).status == 307
    assert asked == []


def test_toxiproxys_door_takes_it_for_a_refusal(servers: tuple[str, list[str]]) -> None:
    address, asked = servers
    with pytest.raises(ReachFailed):
        ToxiproxyApi(f"http://{address}", ALLOW).version()
    assert asked == []


def test_the_door_to_a_docker_engine_refuses_it(servers: tuple[str, list[str]]) -> None:
    address, asked = servers
    door = DockerDoor(f"tcp://{address}", allow=ALLOW, environment={})
    with pytest.raises(NotAllowed, match="sends us to another address"):
        door.facts(Deadline.after(5))
    door.close()
    assert asked == []
