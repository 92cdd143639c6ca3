"""Ports of the sandbox's servers, on loopback."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from harness.errors import GamedayError

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 20_000, 32_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 200


def listening_socket() -> socket.socket:
    """A listening socket on a free port outside the range of outgoing connections, to be handed to a child process.

    Whatever gives its port up for a while (a proxy that a fault switches off, a server that restarts) must get it
    back; inside that range, any client's outgoing connection could take it.
    """
    for port in random.sample(range(_LOWEST, _ceiling()), _TRIES):
        try:
            return listen_again(port)
        except OSError:
            continue
    raise GamedayError("no free port", where=f"{LOOPBACK}:{_LOWEST}-{_ceiling()}", mend="end what holds them")


def listen_again(port: int) -> socket.socket:
    """A listening socket on that very port. OSError when somebody has it."""
    return socket.create_server((LOOPBACK, port), backlog=1024)


def free_port() -> int:
    """A free port for a server that opens its own."""
    with listening_socket() as probe:
        return port_of(probe)


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def _ceiling() -> int:
    """Below this, no outgoing connection is given a port."""
    try:
        lowest_ephemeral = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _HIGHEST
    return min(_HIGHEST, lowest_ephemeral) if lowest_ephemeral > _LOWEST + _TRIES else _HIGHEST
