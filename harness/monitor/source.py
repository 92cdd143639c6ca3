"""What can be read once a second: a host, a database, a cache, a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from harness.journal.record import CrashSeen
from harness.reach.foreign_clock import ForeignTime


class Source(Protocol):
    """One place that readings come from. `name` is the source of its readings: "app-1", "database.main".

    A source is used by one thread at a time.
    """

    @property
    def name(self) -> str: ...

    def read(self) -> dict[str, float]:
        """The values now; connects again where it must. A value that can't be known is left out.

        Raises ReachFailed, in bounded time.
        """
        ...

    def close(self) -> None:
        """Lets go of what the source holds, in bounded time; never raises."""
        ...


@runtime_checkable
class CrashWatch(Protocol):
    """A source that can also tell a crash. Asked after every successful read, by the same thread."""

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        """The crashes seen since the last call; their `t` is set by whoever hands them over."""
        ...


@runtime_checkable
class WithClock(Protocol):
    """A source on another machine, whose clock it can tell. Asked after a successful read, by the same thread."""

    def time(self) -> ForeignTime:
        """What its clock says. Raises ReachFailed."""
        ...


@runtime_checkable
class WithParts(Protocol):
    """A source whose one read tells of its parts too, such as the watched processes of a host."""

    def parts(self) -> Mapping[str, dict[str, float]]:
        """The values of the last read by the source of their own, "app-1.crowdfund"."""
        ...
