"""The faults on a cache's server."""

from __future__ import annotations

from faults import cache_connections, cache_pause, cache_slow
from faults.kind import FaultKind

CACHE_KINDS = (
    FaultKind(
        "cache-pause",
        "the cache takes commands and answers none (or no writes), as a stalled server does",
        cache_pause.CachePauseParams,
        cache_pause.cache_pause,
        cache_pause.expected,
        on="cache",
        needs="the right to CLIENT PAUSE, and for `commands: all` to MONITOR, for the user of the cache's `url`; "
        "Redis 6.2 or newer, or Valkey",
        proven="a PING (a write that changes nothing, for `commands: write`) by the platform's way is held",
        healed="CLIENT UNPAUSE, unless somebody else's pause is on; without us the server ends it itself, `lease` "
        "after the last renewal",
    ),
    FaultKind(
        "cache-slow",
        "commands of the cache are held for `pause` again and again, and pass for `open` in between",
        cache_slow.CacheSlowParams,
        cache_slow.cache_slow,
        cache_slow.expected,
        on="cache",
        needs="the right to CLIENT PAUSE for the user of the cache's `url`; no proxy",
        proven="PINGs at random moments by the platform's way are slower on average",
        healed="every pause ends by itself within `pause` and 0.1 s",
    ),
    FaultKind(
        "cache-connections",
        "the connections that the cache takes (maxclients) are taken but for `leave`, and new ones refused",
        cache_connections.CacheConnectionsParams,
        cache_connections.CacheConnections,
        cache_connections.expected,
        on="cache",
        needs="the rights to CLIENT SETNAME, LIST and KILL for the user of the cache's `url`; files for all of them",
        proven="one connection more than `leave` by the platform's way is refused",
        healed="our connections are closed, or ended by id (CLIENT KILL); they close with our process, and when our "
        "machine vanishes by the server's `timeout` or `tcp-keepalive`",
    ),
)
