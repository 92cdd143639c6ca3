"""Time inside a run: monotonic, and it goes on while the machine sleeps. Wall time only labels it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


def boot_s() -> float:
    """Seconds on CLOCK_BOOTTIME: the same in every process of this machine, and it counts suspended time."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def awake_s() -> float:
    """Seconds on CLOCK_MONOTONIC, which stands still while the machine sleeps (on Linux)."""
    return time.monotonic()


def boot_id() -> str:
    """Which start of this machine it is: times on the boot clock mean something within one only. "" where the system
    does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def utc_now() -> datetime:
    """The wall clock, for labels only: somebody may set it at any moment."""
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

    def wall_drift_s(self) -> float:
        """How far the wall clock is ahead of the one that labels this run, since somebody set it (or a time server)."""
        return (utc_now() - self.utc(self.now_s())).total_seconds()

    def utc(self, t_s: float) -> datetime:
        """The wall time that labels `t_s` seconds since the start."""
        return self.started_at + timedelta(seconds=t_s)


_OWN = Clock.start()
_labels: ContextVar[Clock] = ContextVar("labels", default=_OWN)


def steady_utc() -> datetime:
    """UTC for decisions, such as whether a lease has run out: the wall clock as it was when this process began (or the
    run, inside `labelled_by`) and the boot clock since. Setting the wall clock does not move it."""
    clock = _labels.get()
    return clock.utc(clock.now_s())


@contextmanager
def labelled_by(clock: Clock) -> Iterator[None]:
    """In this thread `steady_utc` goes by a run's clock."""
    token = _labels.set(clock)
    try:
        yield
    finally:
        _labels.reset(token)


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
