"""A knock at a port that a container publishes: does it react, and how?"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import ReachFailed
from harness.reach.allow_list import AllowList, split_address

Answer = Literal["answers", "closes", "silent", "refused"]
KNOCK_S = 1.0
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what an engine says of a port, nothing that we bind
_SAID = b"GET / HTTP/1.0\r\nUser-Agent: gameday\r\n\r\n"
"""Servers that don't speak HTTP answer with an error, or close: they react."""


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A TCP port of a container, where this machine reaches it."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"

    def knock(self, timeout_s: float = KNOCK_S) -> Answer:
        """Connect, say something and wait for the first byte. "closes": it takes the connection and ends it."""
        try:
            with socket.create_connection((self.address, self.port), timeout=timeout_s) as link:
                link.sendall(_SAID)
                return "answers" if link.recv(1) else "closes"
        except TimeoutError:
            return "silent"
        except ConnectionRefusedError:
            return "refused"
        except ConnectionError:
            return "closes"
        except OSError:  # no route, say
            return "refused"


def published_port(attributes: Mapping[str, Any], engine: str, allow: AllowList) -> PublishedPort | None:
    """The first TCP port that a container publishes and that may be reached from here; None without one."""
    ports = (attributes.get("NetworkSettings") or {}).get("Ports") or {}
    for inside, bindings in sorted(ports.items()):
        for binding in bindings or () if str(inside).endswith("/tcp") else ():
            host = _seen_from_here(str(binding.get("HostIp", "")), engine)
            with contextlib.suppress(ReachFailed, ValueError):
                port = int(binding["HostPort"])
                if host:
                    return PublishedPort(allow.resolve(host, port), port)
    return None


def _seen_from_here(bound: str, engine: str) -> str:
    """The address behind which a port bound on the engine's machine is; "" where that can't be reached."""
    scheme, _, rest = engine.partition("://")
    if scheme == "unix":
        return "127.0.0.1" if bound in _EVERYWHERE else bound
    with contextlib.suppress(ValueError):
        host, _ = split_address(rest.rstrip("/"))
        if bound in _EVERYWHERE:
            return host
    return "" if bound in _EVERYWHERE or bound.startswith("127.") or bound == "::1" else bound
