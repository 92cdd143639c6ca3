"""What another machine's clock says, compared with the run's: by the middle between question and answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import ClockOffset

TIMES = 3
# busybox' date knows no %N: it writes the letter, or nothing
COMMAND = "date +%s.%N"
_DATE = re.compile(r"\b(\d{9,11})(?:\.(\d{1,9}))?(?=\D|$)")


@dataclass(frozen=True, slots=True)
class ForeignTime:
    """Seconds since 1970 by another clock, cut off to multiples of `resolution_s`."""

    epoch_s: float
    resolution_s: float = 0.0


def compare(source: str, ask: Callable[[], ForeignTime], clock: Clock) -> ClockOffset:
    """How far that clock is ahead of the run's: the best of three questions, known within half the way there and back,
    and half of what was cut off. Raises what `ask` raises."""
    found = [_once(source, ask, clock) for _ in range(TIMES)]
    return min(found, key=lambda offset: offset.uncertainty_s)


def host_time(said: str) -> ForeignTime:
    """What a host answered to `COMMAND`. Raises ReachFailed."""
    found = _DATE.search(said)
    if found is None:
        raise ReachFailed(f"its clock can't be read: {said.strip()[:80]!r}")
    part = found[2]
    return ForeignTime(float(f"{found[1]}.{part or 0}"), 0.0 if part else 1.0)


def _once(source: str, ask: Callable[[], ForeignTime], clock: Clock) -> ClockOffset:
    sent_s = clock.now_s()
    said = ask()
    got_s = clock.now_s()
    ours_s = clock.utc((sent_s + got_s) / 2).timestamp()
    return ClockOffset(
        t=got_s,
        source=source,
        offset_s=round(said.epoch_s + said.resolution_s / 2 - ours_s, 6),
        uncertainty_s=round((got_s - sent_s + said.resolution_s) / 2, 6),
    )
