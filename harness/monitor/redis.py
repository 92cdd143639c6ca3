"""Redis: clients, hits and misses, work per second, memory and what it threw out."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from harness.clock import boot_s
from harness.errors import ReachFailed
from harness.journal.record import CrashSeen
from harness.reach.allow_list import AllowList
from harness.reach.foreign_clock import ForeignTime
from harness.reach.redis import close, connect, info, mapped

TIMEOUT_S = 2.0
_LARGEST = 2.0**64  # no counter of a server's is larger: a number beyond is none
# our own INFO, once a read
_OWN_COMMANDS = 1


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters since the server's start, at one moment of the boot clock."""

    at_boot_s: float
    run_id: str
    hits: float
    misses: float
    commands: float
    evicted: float


class RedisSource:
    """Readings of a cache, the monitor's own connection left out.

    clients, blocked_clients, used_memory_bytes, max_memory_bytes (0: no limit); from the second read on (and not over
    a restart) hits_per_s, misses_per_s, ops_per_s, evicted_per_s, and hit_rate (a fraction; left out where nothing was
    looked up since the last read).
    """

    def __init__(self, name: str, url: str, allow: AllowList, *, timeout_s: float = TIMEOUT_S) -> None:
        """`name` is the source of the readings, "cache.main"."""
        self.name = name
        self._url = url
        self._allow = allow
        self._timeout_s = timeout_s
        self._client: redis.Redis | None = None
        self._last: Totals | None = None
        self._crashes: list[CrashSeen] = []

    def read(self) -> dict[str, float]:
        """The values now. Raises ReachFailed within about twice `timeout_s`; the next read connects again."""
        try:
            if self._client is None:
                self._client = connect(self._url, allow=self._allow, timeout_s=self._timeout_s)
            answer = info(self._client)
        except ReachFailed:
            self.close()
            raise
        totals = _totals(answer)
        last, self._last = self._last, totals
        if last is not None and last.run_id and totals.run_id and last.run_id != totals.run_id:
            up_s = _number(answer, "uptime_in_seconds")
            text = f"{self.name}: the server is another one than before, up for {up_s:.0f} s"
            self._crashes.append(CrashSeen(source=self.name, what="restarted", text=text))
        return {
            "clients": max(0.0, _number(answer, "connected_clients") - 1),
            "blocked_clients": _number(answer, "blocked_clients"),
            "used_memory_bytes": _number(answer, "used_memory"),
            "max_memory_bytes": _number(answer, "maxmemory"),
            **(rates(last, totals) if last is not None else {}),
        }

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        """Restarts of the server since the last call."""
        crashes, self._crashes = tuple(self._crashes), []
        return crashes

    def time(self) -> ForeignTime:
        """What the server's clock says. Raises ReachFailed."""
        if self._client is None:
            raise ReachFailed("the connection is closed", where=self.name)
        with mapped(self.name):
            seconds, microseconds = self._client.time()
            return ForeignTime(int(seconds) + int(microseconds) / 1e6)

    def close(self) -> None:
        if self._client is not None:
            close(self._client)
            self._client = None


def _totals(answer: dict[str, object]) -> Totals:
    return Totals(
        at_boot_s=boot_s(),
        run_id=str(answer.get("run_id", "")),
        hits=_number(answer, "keyspace_hits"),
        misses=_number(answer, "keyspace_misses"),
        commands=_number(answer, "total_commands_processed"),
        evicted=_number(answer, "evicted_keys"),
    )


def rates(last: Totals, now: Totals) -> dict[str, float]:
    """What happened each second between two reads; nothing where the counters began anew in between."""
    elapsed_s = now.at_boot_s - last.at_boot_s
    if now.run_id != last.run_id or now.commands < last.commands or now.hits < last.hits or elapsed_s <= 0:
        return {}
    hits, misses = now.hits - last.hits, max(0.0, now.misses - last.misses)
    rates = {
        "hits_per_s": hits / elapsed_s,
        "misses_per_s": misses / elapsed_s,
        "ops_per_s": max(0.0, now.commands - last.commands - _OWN_COMMANDS) / elapsed_s,
        "evicted_per_s": max(0.0, now.evicted - last.evicted) / elapsed_s,
    }
    return rates | ({"hit_rate": hits / (hits + misses)} if hits + misses else {})


def _number(answer: dict[str, object], key: str) -> float:
    value = answer.get(key, 0)
    if not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        return 0.0
    return float(value)
