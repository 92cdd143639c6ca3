"""Ports of the sandbox's servers."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from runbooks.sandbox.port import LOOPBACK, free_port, listen_again, listening_socket, port_of


def test_ports_lie_outside_the_range_of_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() < lowest


def test_a_free_port_can_be_bound_at_once() -> None:
    with socket.create_server((LOOPBACK, free_port())):
        pass


def test_two_listening_sockets_have_two_ports_on_loopback() -> None:
    with listening_socket() as one, listening_socket() as two:
        assert port_of(one) != port_of(two)
        assert one.getsockname()[0] == LOOPBACK


def test_a_port_that_somebody_holds_is_not_shared() -> None:
    with listening_socket() as held, pytest.raises(OSError, match="in use"):
        listen_again(port_of(held))
