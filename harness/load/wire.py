"""What both ends of the telemetry agree on. Standard library only: the load process imports it too.

Each load process keeps one connection to a unix socket of the conductor and writes JSON lines:
`start` (the process is there), `hello` (its runner is there), `window`, `note`, `broken` (the Locust file did
not load). The conductor writes QUIT, or QUIT_POLITELY, which leaves the users ON_STOP_S for their `on_stop`.
"""

from __future__ import annotations

SOCKET_VARIABLE = "GAMEDAY_LOAD_SOCKET"
QUIT = b'{"cmd":"quit"}\n'
QUIT_POLITELY = b'{"cmd":"quit","on_stop":true}\n'
ON_STOP_S = 1.0
TICKS_PER_S = 4  # windows are aligned to quarter seconds of CLOCK_BOOTTIME, so those of several processes merge
MAX_NAMES = 200
OTHER_NAMES = "(other)"
_LONGEST_NAME = 300


def tick_of(boot: float) -> int:
    """The tick that a moment of the boot clock lies in."""
    return int(boot * TICKS_PER_S)


def tick_start(tick: int) -> float:
    """The moment of the boot clock at which a tick begins."""
    return tick / TICKS_PER_S


class NameCap:
    """The first MAX_NAMES request names stay; all others share one, so that URLs with ids don't flood a run."""

    def __init__(self, limit: int = MAX_NAMES) -> None:
        self._limit = limit
        self._known: set[str] = set()
        self.overflowed = False

    def __call__(self, name: str) -> str:
        name = name[:_LONGEST_NAME]
        if name in self._known or name == OTHER_NAMES:
            return name
        if len(self._known) >= self._limit:
            self.overflowed = True
            return OTHER_NAMES
        self._known.add(name)
        return name
