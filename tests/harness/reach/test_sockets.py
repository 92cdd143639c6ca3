"""The connections of a process on this machine, and which addresses are its own."""

from __future__ import annotations

import socket

import pytest

from harness.reach.own_address import is_own
from harness.reach.sockets import connections_of_listener


def test_the_listener_s_own_ends_are_told_and_nobody_else_s() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as upstream:
        port, to_port = server.getsockname()[1], upstream.getsockname()[1]
        assert connections_of_listener(port, to_port) == frozenset()
        with socket.create_connection(("127.0.0.1", to_port)) as link:
            assert connections_of_listener(port, to_port) == {link.getsockname()}
        assert connections_of_listener(port, to_port) == frozenset()


def test_without_a_listener_nothing_is_told() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        assert connections_of_listener(unheard.getsockname()[1], 1) is None


@pytest.mark.parametrize(
    ("address", "own"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("192.0.2.77", False), ("2001:db8::7", False)],
)
def test_which_addresses_are_this_machine_s(address: str, own: bool) -> None:
    assert is_own(address) is own
