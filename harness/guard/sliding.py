"""A sliding stretch of time over windows: what belongs to it, and whether it was seen whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

# Windows follow each other without holes; a little less than the whole allows for clock jitter between them.
_SEEN_WHOLE = 0.97


class Stretch(Protocol):
    """Something that was seen from `start` to `end`, in seconds since the start of the run."""

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


S = TypeVar("S", bound=Stretch)


def slide(kept: tuple[S, ...], new: S, over_s: float) -> tuple[S, ...]:
    """`kept` and `new`, without what ended before the last `over_s` seconds began."""
    begin = new.end - over_s + 1e-6
    return (*(s for s in kept if s.end > begin), new)


def covers(kept: Sequence[Stretch], over_s: float) -> bool:
    """True when the kept stretches fill `over_s`: time that nobody saw is no evidence."""
    return sum(s.end - s.start for s in kept) >= over_s * _SEEN_WHOLE
