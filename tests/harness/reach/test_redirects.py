"""A server inside the allow list that sends us elsewhere: no door follows it."""

from __future__ import annotations

import http.server
from collections.abc import Iterator

import pytest
from served import served

from harness.clock import Deadline
from harness.errors import NotAllowed, ReachFailed
from harness.reach import http as web
from harness.reach.allow_list import AllowList
from harness.reach.docker import DockerDoor
from harness.reach.toxiproxy import ToxiproxyApi

ALLOW = AllowList(["127.0.0.1/32"])


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """Sends everybody to the second server."""

    server: _Sender

    def answer(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(307)
        self.send_header("Location", f"{self.server.elsewhere}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        pass


class _Sender(http.server.ThreadingHTTPServer):
    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Elsewhere)
        self.asked: list[str] = []
        self.elsewhere = ""


@pytest.fixture
def servers() -> Iterator[tuple[str, list[str]]]:
    """host:port of the one that is allowed, and what the other was asked."""
    with served(_Sender("127.0.0.1")) as allowed, served(_Sender("127.0.0.2")) as outside:
        allowed.elsewhere = f"http://127.0.0.2:{outside.server_address[1]}"
        yield f"127.0.0.1:{allowed.server_address[1]}", outside.asked


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
