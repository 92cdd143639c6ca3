"""What a Toxiproxy server holds, as frozen values: its proxies and their toxics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from harness.errors import ReachFailed
from harness.reach.allow_list import split_address


@dataclass(frozen=True, slots=True)
class ToxicState:
    """A toxic as the server has it; `attributes` in the server's own units (ms, KB/s, bytes)."""

    name: str
    type: str
    stream: str = "upstream"
    toxicity: float = 1.0
    attributes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProxyState:
    """A proxy as the server has it; addresses are "host:port"."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicState, ...] = ()

    def toxic(self, name: str) -> ToxicState | None:
        return next((t for t in self.toxics if t.name == name), None)

    def __str__(self) -> str:
        return f"{'enabled' if self.enabled else 'disabled'} on {self.listen} to {self.upstream}"


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same listener: "localhost" is 127.0.0.1, port 0 any port."""
    hosts, ports = zip(*(_host_and_port(a) for a in (one, other)), strict=True)
    return hosts[0] == hosts[1] and (ports[0] == ports[1] or "0" in ports)


def is_as_asked(stored: ToxicState, asked: ToxicState) -> bool:
    """Whether the server has the toxic as it was asked for."""
    return (
        (stored.name, stored.type, stored.stream.lower()) == (asked.name, asked.type, asked.stream.lower())
        and abs(stored.toxicity - asked.toxicity) < 1e-6
        and all(stored.attributes.get(key) == value for key, value in asked.attributes.items())
    )


def reachable_at(listen: str, api_url: str) -> tuple[str, int]:
    """Where a proxy's listener is reached from here: one on all interfaces is on the API's host."""
    host, port = split_address(listen)
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - read, not bound
        host = urlsplit(api_url).hostname or host
    return host, port


def proxy_of(answer: Mapping[str, Any], where: str) -> ProxyState:
    """A proxy from the server's JSON (extra keys don't matter); ReachFailed when it is none."""
    try:
        return ProxyState(
            name=str(answer["name"]),
            listen=str(answer["listen"]),
            upstream=str(answer["upstream"]),
            enabled=bool(answer["enabled"]),
            toxics=tuple(toxic_of(t, where) for t in answer.get("toxics") or ()),
        )
    except (KeyError, TypeError, AttributeError):
        raise ReachFailed("the answer is no proxy of Toxiproxy's", where=where) from None


def toxic_of(answer: Mapping[str, Any], where: str) -> ToxicState:
    """A toxic from the server's JSON; ReachFailed when it is none."""
    try:
        return ToxicState(
            name=str(answer["name"]),
            type=str(answer["type"]),
            stream=str(answer["stream"]),
            toxicity=float(answer["toxicity"]),
            attributes=dict(answer.get("attributes") or {}),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ReachFailed("the answer is no toxic of Toxiproxy's", where=where) from None


def _host_and_port(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return ("127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")), port
