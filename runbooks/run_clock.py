"""The clock of a run that another process started."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.clock import Clock, boot_id
from harness.journal.reader import JournalView
from harness.journal.record import RunStarted

_A_MOMENT_S = 0.001


def clock_of(started: RunStarted, not_before_s: float = 0.0) -> Clock:
    """The same clock while the machine has not been started anew; else rebuilt from the wall time, which may have been
    set since: what comes now comes after `not_before_s`, the run's last record, in any case."""
    now = Clock.start()
    began = _utc(started.started_at) or now.started_at
    if started.boot_id and started.boot_id == boot_id() and now.epoch_boot_s - started.epoch_boot_s >= not_before_s:
        return Clock(started.epoch_boot_s, began)
    since_s = max((now.started_at - began).total_seconds(), not_before_s + _A_MOMENT_S)
    return Clock(now.epoch_boot_s - since_s, began)


def clock_of_run(view: JournalView) -> Clock:
    """The clock of the run that a journal tells of; one that starts behind its last record where it lost its start."""
    last_s = max((record.t for record in view.records), default=0.0)
    started = view.first(RunStarted)
    if started is not None:
        return clock_of(started, last_s)
    now = Clock.start()
    return Clock(now.epoch_boot_s - last_s - _A_MOMENT_S, now.started_at)


def _utc(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
