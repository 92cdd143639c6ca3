"""The door to Redis against a tiny server that speaks its protocol; a real one answers in tests/integration/."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from served import served

from harness.clock import boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.reach.allow_list import AllowList
from harness.reach.redis import close, connect, info, ping_ms

LOOPBACK = AllowList(["127.0.0.0/8"])
SECRET = "hunter2-hunter2"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    context: ssl.SSLContext | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Speaker)
        self.commands: list[list[str]] = []
        self.drop_next = threading.Event()

    def get_request(self) -> tuple[Any, Any]:
        sock, peer = super().get_request()
        return (self.context.wrap_socket(sock, server_side=True) if self.context else sock), peer

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class _Speaker(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while header := self.rfile.readline():
            words = [self._word() for _ in range(int(header[1:]))]
            self.server.commands.append(words)
            if self.server.drop_next.is_set():
                return
            self.wfile.write(self._answer(words))

    def _word(self) -> str:
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:-2].decode()

    def _answer(self, words: list[str]) -> bytes:
        if words[0] == "PING":
            return b"+PONG\r\n"
        if words[0] == "INFO":
            text = "connected_clients:3\r\nkeyspace_hits:7\r\nrun_id:abc\r\n"
            return f"${len(text)}\r\n{text}\r\n".encode()
        return b"+OK\r\n"


@contextlib.contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[_Server]:
    with served(_Server()) as server:
        server.context = context
        yield server


@pytest.fixture
def server() -> Iterator[_Server]:
    with _serving() as running:
        yield running


def _port(server: _Server) -> int:
    return int(server.server_address[1])


def test_a_client_has_answered_before_it_is_handed_over(server: _Server) -> None:
    client = connect(f"redis://127.0.0.1:{_port(server)}/3", allow=LOOPBACK, timeout_s=2)
    assert ["SELECT", "3"] in server.commands
    assert ["PING"] in server.commands
    assert info(client) == {"connected_clients": 3, "keyspace_hits": 7, "run_id": "abc"}
    assert ping_ms(client) > 0
    close(client)


def test_a_lost_command_is_not_tried_again(server: _Server) -> None:
    client = connect(f"redis://127.0.0.1:{_port(server)}/0", allow=LOOPBACK, timeout_s=2)
    server.commands.clear()
    server.drop_next.set()
    with pytest.raises(ReachFailed):
        info(client)
    assert [words for words in server.commands if words[0] == "INFO"] == [["INFO"]]
    close(client)


def test_goes_by_way_of_another_address_when_told(server: _Server) -> None:
    via = ("127.0.0.1", _port(server))
    close(connect("redis://cache.invalid:1/0", allow=LOOPBACK, via=via, timeout_s=2))
    assert ["PING"] in server.commands


def test_tls_verifies_the_name_of_the_url_and_not_the_address_of_the_proxy(identity: Any) -> None:
    with _serving(identity.context) as server:
        via, trust = ("127.0.0.1", _port(server)), f"ssl_ca_certs={identity.certificate}"
        close(connect(f"rediss://service.test:1/0?{trust}", allow=LOOPBACK, via=via, timeout_s=20))
        with pytest.raises(ReachFailed, match="certificate"):
            connect(f"rediss://other.test:1/0?{trust}", allow=LOOPBACK, via=via, timeout_s=20)
        with pytest.raises(ReachFailed, match="certificate"):
            connect("rediss://service.test:1/0", allow=LOOPBACK, via=via, timeout_s=20)


@pytest.mark.parametrize(
    "url",
    [
        "unix:///var/run/redis.sock",
        f"http://:{SECRET}@127.0.0.1/",
        f"redis://:{SECRET}@127.0.0.1:port/0",
        f"redis://:{SECRET}@127.0.0.1:6379/0?socket_timeout=never",
        "",
    ],
)
def test_a_url_that_leads_nowhere_is_refused_with_a_mend_and_without_its_password(url: str) -> None:
    with pytest.raises(ReachFailed) as caught:
        connect(url, allow=LOOPBACK, timeout_s=0.3)
    assert "redis://host:6379/0" in caught.value.mend
    assert SECRET not in str(caught.value)


def test_no_packet_goes_to_an_address_outside_the_list(server: _Server) -> None:
    with pytest.raises(NotAllowed):
        connect(f"redis://127.0.0.1:{_port(server)}", allow=AllowList(["10.0.0.0/8"]), timeout_s=0.3)
    assert server.commands == []


def test_nobody_there_is_said_with_the_right_question() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ReachFailed) as caught:
        connect(f"redis://:{SECRET}@127.0.0.1:{port}", allow=LOOPBACK, timeout_s=2)
    assert caught.value.where == f"127.0.0.1:{port}"
    assert "is Redis running" in caught.value.mend
    assert SECRET not in str(caught.value)


def test_a_server_that_says_nothing_costs_the_deadline_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = boot_s()
        with pytest.raises(ReachTimeout):
            connect(f"redis://127.0.0.1:{silent.getsockname()[1]}", allow=LOOPBACK, timeout_s=0.3)
    assert 0.25 <= boot_s() - begun < 1.8
