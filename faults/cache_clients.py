"""The connections of a cache's server, as CLIENT LIST tells them, and how ours are ended: by id, never by a pattern."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from harness.reach.redis_session import RedisSession, Rejected

OURS = "gameday"


@dataclass(frozen=True, slots=True)
class Client:
    """One connection. `ordinary`: no replica, no primary, no connection of a cluster's bus."""

    id: str
    name: str
    ordinary: bool


def list_clients(session: RedisSession, timeout_s: float) -> tuple[Client, ...]:
    """All connections now. Raises ReachFailed (NoRight)."""
    answer = session.ask("CLIENT", "LIST", timeout_s=timeout_s)
    lines = answer.splitlines() if isinstance(answer, str) else []
    told = [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines]
    return tuple(
        Client(t["id"], t.get("name", ""), ordinary=not set(t.get("flags", "N")) & set("MSFi"))
        for t in told
        if "id" in t
    )


def end_clients(session: RedisSession, marker: str, timeout_s: float) -> int:
    """End the connections named `marker`; how many there were. Raises ReachFailed (NoRight)."""
    ours = [client.id for client in list_clients(session, timeout_s) if client.name == marker]
    for client_id in ours:
        end_client(session, client_id, timeout_s)
    return len(ours)


def end_client(session: RedisSession, client_id: str, timeout_s: float) -> None:
    """End one; one that has gone already is as good. Raises ReachFailed (NoRight)."""
    with contextlib.suppress(Rejected):
        session.ask("CLIENT", "KILL", "ID", client_id, timeout_s=timeout_s)
