"""What can be read once a second: a host, a database, a cache."""

from __future__ import annotations

from typing import Protocol


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
