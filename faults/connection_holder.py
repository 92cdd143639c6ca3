"""Holds connections to a cache's server until no more than `leave` are free. They close with this process.

A thread of its own fills what is free, and takes again what comes free meanwhile; where the server ends idle
connections, it says a word on each in time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from faults.cache_clients import OURS, end_client, list_clients
from faults.cache_room import Room, count_room
from faults.cache_server import CacheServer
from faults.held_sessions import HeldSessions
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed
from harness.reach.redis_session import RedisSession, Rejected

AT_ONCE = 8
CALL_S = 2.0
_TICK_S = 1.0
_BUSY_TICK_S = 0.02
_MOST_EVICTIONS = 20


@dataclass(frozen=True, slots=True)
class Hold:
    """What to hold. `leave`: connections that stay free; `renew_s`: how often each must say a word (None: never);
    `evict`: end the other clients' connections once, so that they have to connect again."""

    marker: str
    leave: int
    renew_s: float | None
    evict: bool = False


class ConnectionHolder:
    """One fault's connections. `start` once, `wait_settled` until they are taken, `close` from any thread."""

    def __init__(self, server: CacheServer, hold: Hold, until: Deadline) -> None:
        """After `until` it lets go by itself, whatever else happens."""
        self._server = server
        self._hold = hold
        self._until = until
        self._held = HeldSessions(RedisSession.close, "connections", server.source)
        self._evictions = 0
        self._renewed_s = boot_s()
        self._thread = threading.Thread(target=self._keep, name=f"hold {hold.marker}", daemon=True)

    @property
    def held(self) -> int:
        return self._held.number

    def start(self) -> None:
        self._thread.start()

    def wait_settled(self, deadline: Deadline) -> None:
        """Until no more than `leave` connections are free. Raises ReachFailed with what stands in the way."""
        self._held.wait_settled(deadline)

    def close(self) -> None:
        """Let go of every connection, without waiting for the server."""
        self._held.close()

    def _keep(self) -> None:
        """The thread: fill, evict, renew, until closed."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="connection") as threads:
            watcher: RedisSession | None = None
            try:
                while not self._held.closed.wait(_TICK_S if self._held.settled.is_set() else _BUSY_TICK_S):
                    if self._until.passed:
                        break
                    watcher = self._round(threads, watcher)
            finally:
                self.close()
                if watcher is not None:
                    watcher.close()

    def _round(self, threads: ThreadPoolExecutor, watcher: RedisSession | None) -> RedisSession | None:
        """One look and what it asks for; the watcher's session, or None when it has to be opened anew."""
        try:
            self._renew(threads)
            watcher = watcher or self._server.session(self._hold.marker)
            self._act(threads, watcher, count_room(watcher, CALL_S))
        except ReachFailed as error:
            self._held.trouble = str(error)
            if watcher is not None:
                watcher.close()
            return None
        return watcher

    def _act(self, threads: ThreadPoolExecutor, watcher: RedisSession, room: Room) -> None:
        self._held.drop(lambda session: session.lost)
        missing = room.free - self._hold.leave
        if missing > 0:
            self._open(threads, missing)
        elif self._evicts and (others := self._others(watcher)):
            self._evictions += 1
            for client_id in others:
                end_client(watcher, client_id, CALL_S)
            # what they lose has to be ours before they have connected again
            self._open(threads, len(others))
        else:
            self._held.settled.set()

    @property
    def _evicts(self) -> bool:
        """Once, so not after everything has been taken; a client that connects at once may need several turns."""
        return self._hold.evict and not self._held.settled.is_set() and self._evictions < _MOST_EVICTIONS

    def _others(self, watcher: RedisSession) -> list[str]:
        """Connections beyond `leave` that are nobody's of gameday."""
        clients = list_clients(watcher, CALL_S)
        others = [c.id for c in clients if c.ordinary and not c.name.startswith(OURS)]
        return others if len(others) > self._hold.leave else []

    def _open(self, threads: ThreadPoolExecutor, wanted: int) -> None:
        make = self._server.many(self._hold.marker)
        for opening in [threads.submit(self._open_one, make) for _ in range(wanted)]:
            opening.result()

    def _open_one(self, make: Callable[[], RedisSession]) -> None:
        if self._held.closed.is_set():
            return
        try:
            self._held.add(make())
        except ReachFailed as error:
            if not isinstance(error, Rejected):
                self._held.trouble = str(error)

    def _renew(self, threads: ThreadPoolExecutor) -> None:
        if self._hold.renew_s is None or boot_s() - self._renewed_s < self._hold.renew_s:
            return
        self._renewed_s = boot_s()
        self._held.drop(_is_silent, threads)


def _is_silent(session: RedisSession) -> bool:
    try:
        session.ask("PING", timeout_s=CALL_S)
    except ReachFailed:
        return True
    return False
