"""How often the load was kept inside the allow-list, and where it wanted to go. Runs in the load process.

Written by Locust's greenlets, taken by the telemetry thread; every single step on the containers is atomic.
"""

from __future__ import annotations

from collections import deque

OUTSIDE = "CONNECT outside the allow-list"
"""The name under which a connect counts as a failed request where no request of Locust's will."""
MOST_ADDRESSES = 20
OTHER = "other addresses"
_MOST_WAITING = 100_000


class KeptIn:
    """Connects that were refused, by address, and who was making a request of Locust's then."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=_MOST_WAITING)
        self._known: set[str] = set()
        self._requesting: dict[int, int] = {}  # by greenlet: how many requests inside each other

    def entered(self, greenlet: object) -> None:
        """The greenlet begins a request whose failure Locust will report."""
        self._requesting[id(greenlet)] = self._requesting.get(id(greenlet), 0) + 1

    def left(self, greenlet: object) -> None:
        """It has ended."""
        depth = self._requesting.pop(id(greenlet), 1) - 1
        if depth > 0:
            self._requesting[id(greenlet)] = depth

    def refused(self, where: str, greenlet: object) -> bool:
        """A connect to `where` was refused; True when nobody else will report that as a failed request."""
        self._waiting.append(where)
        return id(greenlet) not in self._requesting

    def take(self) -> dict[str, int]:
        """Connects by address since the last time; the first MOST_ADDRESSES stay, all others share one entry."""
        counts: dict[str, int] = {}
        while self._waiting:
            where = self._waiting.popleft()
            if where not in self._known and len(self._known) >= MOST_ADDRESSES:
                where = OTHER
            elif where != OTHER:
                self._known.add(where)
            counts[where] = counts.get(where, 0) + 1
        return counts
