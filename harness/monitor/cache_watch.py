"""What a cache does: the difference of its INFO from time to time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import redis

from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import CacheWork, EvidenceMissing, Record
from harness.monitor.redis import TIMEOUT_S
from harness.reach.allow_list import AllowList
from harness.reach.redis import address, close, connect, info, mapped

# what each snapshot of ours adds: INFO, INFO errorstats, SLOWLOG LEN
_OWN_COMMANDS = 3


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """INFO at `t`, seconds since the start of the run. `slow`: entries in the slow log, None: we may not look."""

    t: float
    info: Mapping[str, object]
    refused_writes: int
    slow: int | None

    def number(self, name: str) -> int:
        value = self.info.get(name, 0)
        return int(value) if isinstance(value, int | float) else 0

    @property
    def keys(self) -> int:
        spaces = (v for k, v in self.info.items() if k.startswith("db") and isinstance(v, dict))
        return sum(int(space.get("keys", 0)) for space in spaces)


class CacheWatch:
    """One cache. `name` is the source of its readings, "cache.main"."""

    beat_s = 1.0

    def __init__(self, name: str, url: str, allow: AllowList, *, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self.name = name
        self._url = url
        self._allow = allow
        self._clock = clock
        self._timeout_s = timeout_s
        self._client: redis.Redis | None = None
        self._last: CacheCounters | None = None

    def glance(self) -> Iterable[Record]:
        """Its readings tell what happens from second to second."""
        return ()

    def snapshot(self) -> Iterable[Record]:
        try:
            if self._client is None:
                self._client = connect(self._url, allow=self._allow, timeout_s=self._timeout_s)
            now = _read(self._client, self._clock.now_s())
        except ReachFailed:
            self.close()
            raise
        last, self._last = self._last, now
        return (difference(self.name, last, now),) if last is not None else ()

    def missing(self) -> tuple[EvidenceMissing, ...]:
        return ()

    def close(self) -> None:
        if self._client is not None:
            close(self._client)
            self._client = None


def _read(client: redis.Redis, t: float) -> CacheCounters:
    """Raises ReachFailed. Managed caches refuse some commands: what they hide is left out."""
    found = info(client)
    with mapped(address(client)):
        try:
            errors = cast("dict[str, dict[str, int]]", client.info("errorstats"))
            slow: int | None = int(client.slowlog_len())
        except redis.ResponseError:
            errors, slow = {}, None
    return CacheCounters(t, found, int(errors.get("errorstat_OOM", {}).get("count", 0)), slow)


def difference(source: str, last: CacheCounters, now: CacheCounters) -> CacheWork:
    """What was done from `last` to `now`; counters that began anew meanwhile count from zero."""
    restarted = last.info.get("run_id") != now.info.get("run_id")
    reset = restarted or now.number("total_commands_processed") < last.number("total_commands_processed")

    def grown(name: str) -> int:
        return now.number(name) if reset else max(0, now.number(name) - last.number(name))

    slow = None if now.slow is None or last.slow is None else max(0, now.slow - last.slow)
    return CacheWork(
        t=now.t,
        source=source,
        start=last.t,
        end=now.t,
        hits=grown("keyspace_hits"),
        misses=grown("keyspace_misses"),
        evicted=grown("evicted_keys"),
        expired=grown("expired_keys"),
        commands=max(0, grown("total_commands_processed") - _OWN_COMMANDS),
        errors=grown("total_error_replies"),
        refused_writes=now.refused_writes if reset else max(0, now.refused_writes - last.refused_writes),
        rejected_connections=grown("rejected_connections"),
        keys=now.keys,
        used_memory_bytes=now.number("used_memory"),
        max_memory_bytes=now.number("maxmemory"),
        policy=str(now.info.get("maxmemory_policy", "")),
        slow_commands=slow,
        reset=reset,
    )
