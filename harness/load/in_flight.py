"""Which requests of a load process are under way, and for how long. Runs in the load process.

Written by Locust's greenlets, read by the telemetry thread; every single step on the dicts is atomic.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

_RUNNING = "running"
_SPARE = 100


class InFlight:
    """Requests through Locust's sessions and `EventHook.measure`: exact."""

    def __init__(self) -> None:
        self._tokens = itertools.count()
        self._since: dict[int, float] = {}

    def enter(self, now: float) -> int:
        token = next(self._tokens)
        self._since[token] = now
        return token

    def leave(self, token: int) -> None:
        self._since.pop(token, None)

    def since(self) -> list[float]:
        """When each request under way began, on the boot clock."""
        return list(self._since.values())


class HandFired:
    """Users whose client fires the request event by hand: under way while in a task, since the last event.

    Only users that have fired one by hand count: one that just sleeps in its task never looks stuck.
    """

    def __init__(self) -> None:
        self._exact: set[int] = set()
        self._last_event: dict[int, float] = {}
        self._running_since: dict[int, float] = {}

    def entered(self, greenlet: object) -> None:
        """The greenlet made a request that `InFlight` follows."""
        self._exact.add(id(greenlet))

    def fired(self, greenlet: object, now: float) -> None:
        """The greenlet reported a request."""
        if id(greenlet) not in self._exact:
            self._last_event[id(greenlet)] = now

    def since(self, user_greenlets: Iterable[Any], now: float) -> list[float]:
        """When each request that is believed to be under way began, on the boot clock."""
        if not self._last_event:
            self._forget_exact(user_greenlets)
            return []
        greenlets = {id(g): g for g in list(user_greenlets)}
        for known in (self._last_event, self._running_since):
            for gone in [key for key in list(known) if key not in greenlets]:
                known.pop(gone, None)
        begun = []
        for key, last in list(self._last_event.items()):
            if key not in self._exact and _is_running(greenlets.get(key)):
                begun.append(max(last, self._running_since.setdefault(key, now)))
            else:
                self._running_since.pop(key, None)
        return begun

    def _forget_exact(self, user_greenlets: Iterable[Any]) -> None:
        if len(self._exact) > _SPARE:
            living = {id(g) for g in list(user_greenlets)}
            if len(self._exact) > 2 * len(living) + _SPARE:
                self._exact &= living


def _is_running(greenlet: Any) -> bool:
    # a greenlet that has ended has lost its arguments
    args: tuple[Any, ...] = getattr(greenlet, "args", ())
    return bool(args) and getattr(args[0], "_state", None) == _RUNNING
