"""The clock of a run that another process started."""

from __future__ import annotations

from datetime import datetime

from harness.clock import Clock
from harness.journal.record import RunStarted


def clock_of(started: RunStarted) -> Clock:
    """Rebuilt from the wall time: after a reboot the run's boot clock means nothing any more."""
    now = Clock.start()
    began = datetime.fromisoformat(started.started_at)
    return Clock(now.epoch_boot_s - (now.started_at - began).total_seconds(), began)
