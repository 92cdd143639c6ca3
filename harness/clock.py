"""Time inside a run: monotonic, and it goes on while the machine sleeps. Wall time only labels it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def boot_s() -> float:
    """Seconds on CLOCK_BOOTTIME: the same in every process of this machine, and it counts suspended time."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def utc_now() -> datetime:
    """The wall clock, for labels only."""
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """The run's own time: seconds since `epoch_boot_s`, which `started_at` (UTC) labels.

    Other processes of the run rebuild it from those two numbers, so all segments of the journal agree.
    """

    epoch_boot_s: float
    started_at: datetime

    @classmethod
    def start(cls) -> Clock:
        return cls(epoch_boot_s=boot_s(), started_at=utc_now())

    def now_s(self) -> float:
        return boot_s() - self.epoch_boot_s

    def since_start_s(self, boot: float) -> float:
        return boot - self.epoch_boot_s

    def utc(self, t_s: float) -> datetime:
        """The wall time that labels `t_s` seconds since the start."""
        return self.started_at + timedelta(seconds=t_s)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the boot clock by which a wait must end."""

    at_boot_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(boot_s() + seconds)

    def left_s(self) -> float:
        return max(0.0, self.at_boot_s - boot_s())

    @property
    def passed(self) -> bool:
        return boot_s() >= self.at_boot_s
