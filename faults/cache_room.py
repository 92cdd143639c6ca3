"""How many connections a cache's server takes, how many it has, and what ends one that nobody uses any more."""

from __future__ import annotations

from dataclasses import dataclass

from faults.cache_server import info, number, setting
from harness.errors import ReachFailed
from harness.reach.redis_session import RedisSession


@dataclass(frozen=True, slots=True)
class Room:
    """The server's connections at one moment, ours counted in."""

    most: int
    used: int

    @property
    def free(self) -> int:
        return max(0, self.most - self.used)


@dataclass(frozen=True, slots=True)
class Bound:
    """What ends a connection whose other end has vanished without a word (a machine without power, a cut network):
    `idle_s` is the server's `timeout`, `keepalive_s` its `tcp-keepalive`; 0: off, None: we may not ask."""

    idle_s: int | None
    keepalive_s: int | None

    @property
    def known(self) -> bool:
        return self.idle_s is not None and self.keepalive_s is not None

    @property
    def within_s(self) -> float | None:
        """By when it ends; None: never, or unknown. The server asks after `tcp-keepalive` without a word, and then
        three times at a third of that (its anet.c)."""
        ends = [2.0 * self.keepalive_s] if self.keepalive_s else []
        ends += [float(self.idle_s) + 1] if self.idle_s else []
        return min(ends, default=None)

    @property
    def renew_s(self) -> float | None:
        """How often a held connection must say a word, else the server ends it for being idle; None: never."""
        return max(0.3, self.idle_s / 3) if self.idle_s else None


def count_room(session: RedisSession, timeout_s: float) -> Room:
    """The connections now. Raises ReachFailed."""
    told = info(session, "clients", timeout_s)
    most = number(told, "maxclients") or setting(session, "maxclients") or 0
    if not most:
        raise ReachFailed("the server does not tell its maxclients", mend="grant: +config|get")
    used = number(told, "connected_clients") + number(told, "cluster_connections")
    return Room(most, used)


def read_bound(session: RedisSession) -> Bound:
    """What the server's configuration says, as far as we may ask. Raises ReachFailed."""
    return Bound(setting(session, "timeout"), setting(session, "tcp-keepalive"))
