"""A Docker Engine's clock beside the run's: on another machine, or in the virtual machine that many desktops have."""

from __future__ import annotations

from datetime import timedelta

from harness.clock import Clock, Deadline
from harness.errors import ReachFailed
from harness.journal.record import ClockOffset
from harness.reach.docker import DockerDoor
from harness.reach.foreign_clock import ForeignTime, compare

_ENGINE = "docker"
_SET_S = 1.0


def engine_offset(door: DockerDoor, clock: Clock, deadline: Deadline) -> ClockOffset:
    """A Docker Engine's clock. Raises ReachFailed."""
    try:
        return compare(_ENGINE, lambda: ForeignTime(door.system_time(deadline).timestamp()), clock)
    except ReachFailed:  # it may answer the smaller question: to the second
        ahead_s = door.facts(deadline).ahead.total_seconds()
        return ClockOffset(t=clock.now_s(), source=_ENGINE, offset_s=ahead_s, uncertainty_s=1.0)


def engine_ahead(offset: ClockOffset | None, door: DockerDoor, clock: Clock) -> timedelta:
    """What to add to the run's time to have the engine's: nothing that is not certain, and for an engine of this
    machine what somebody has set its clock by since the start of the run."""
    ahead_s = offset.significant_s if offset is not None else 0.0
    since_s = clock.wall_drift_s() if door.local else 0.0
    return timedelta(seconds=ahead_s + (since_s if abs(since_s) > _SET_S else 0.0))
