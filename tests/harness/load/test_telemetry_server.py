from __future__ import annotations

import socket
import stat
from collections.abc import Iterator

import pytest

from harness.clock import Deadline
from harness.load.message import Hello, Remark
from harness.load.telemetry_server import Arrival, TelemetryServer

HELLO = b'{"type":"hello","pid":7,"role":"local","tick":3,"more":1}\n'


@pytest.fixture
def server() -> Iterator[TelemetryServer]:
    server = TelemetryServer()
    yield server
    server.close()


def connect(server: TelemetryServer) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(server.path))
    return sock


def hear(server: TelemetryServer, count: int) -> list[Arrival]:
    deadline = Deadline.after(3)
    arrivals: list[Arrival] = []
    while len(arrivals) < count and not deadline.passed:
        arrivals += server.poll(0.1)
    return arrivals


def test_lines_become_messages_however_they_are_cut(server: TelemetryServer) -> None:
    with connect(server) as sock:
        sock.sendall(HELLO[:10])
        assert server.poll(0.1) + server.poll(0.1) == []
        sock.sendall(HELLO[10:] + b'{"type":"note","text":"x"}\n{"type":')
        assert [a.message for a in hear(server, 2)] == [
            Hello(pid=7, role="local", tick=3),
            Remark(text="x"),
        ]


def test_a_line_that_is_no_message_is_said_to_be_and_the_next_is_read(server: TelemetryServer) -> None:
    with connect(server) as sock:
        sock.sendall(b"nonsense\n" + b'{"type":"window"}\n' + HELLO)
        first, second, third = hear(server, 3)
        assert first.unreadable
        assert second.unreadable
        assert isinstance(third.message, Hello)


def test_the_end_of_a_connection_is_told(server: TelemetryServer) -> None:
    connect(server).close()
    (arrival,) = hear(server, 1)
    assert arrival.message is None
    assert not arrival.unreadable


def test_an_order_reaches_everybody_and_one_who_does_not_listen_holds_nobody_up(server: TelemetryServer) -> None:
    with connect(server) as deaf, connect(server) as listening:
        server.poll(0.1)
        server.poll(0.1)
        for _ in range(2000):
            server.broadcast(b"x" * 1000)
            if listening.recv(1000, socket.MSG_DONTWAIT) == b"":
                pytest.fail("closed")
        assert deaf.recv(5) == b"xxxxx"


def test_the_socket_lies_in_a_directory_of_its_own_that_goes_with_it() -> None:
    server = TelemetryServer()
    folder = server.path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(str(server.path)) < 100
    server.close()
    server.close()
    assert not folder.exists()


def test_wake_ends_a_wait(server: TelemetryServer) -> None:
    server.wake()
    deadline = Deadline.after(2)
    assert server.poll(3) == []
    assert not deadline.passed
