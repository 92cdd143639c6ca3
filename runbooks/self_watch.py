"""What could keep the conductor from guarding the platform, or from writing down what it does."""

from __future__ import annotations

from collections.abc import Callable

from harness.clock import Clock, awake_s
from harness.journal.record import Note
from runbooks.recorder import Recorder

SLEPT_S = 2.0
STOOD_STILL_S = 10.0  # much more than a busy machine makes its processes wait
STUCK_S = 5.0
WALL_JUMP_S = 2.0


class SelfWatch:
    """Asked at each turn of the conductor's loop, a few times a second."""

    def __init__(self, clock: Clock, recorder: Recorder, awake: Callable[[], float] = awake_s) -> None:
        self._clock = clock
        self._recorder = recorder
        self._awake = awake
        self._looked_s = clock.now_s()
        self._awake_s = awake()
        self._drift_s = clock.wall_drift_s()

    def look(self) -> str:
        """Why the run must end, in words; "" when nothing is wrong."""
        now_s, awake = self._clock.now_s(), self._awake()
        gap_s = now_s - self._looked_s
        slept_s = gap_s - (awake - self._awake_s)
        self._looked_s, self._awake_s = now_s, awake
        self._look_at_the_wall()
        if slept_s > SLEPT_S:
            return f"the machine was suspended for {slept_s:.0f} s: nobody guarded the platform"
        if gap_s > STOOD_STILL_S:
            return f"gameday was stopped or starved for {gap_s:.0f} s: nobody guarded the platform"
        return self._journal_trouble()

    def _look_at_the_wall(self) -> None:
        """Wall time only labels: that somebody set it is told once, and changes nothing."""
        drift_s = self._clock.wall_drift_s()
        jump_s, self._drift_s = drift_s - self._drift_s, drift_s
        if abs(jump_s) > WALL_JUMP_S:
            where = "forward" if jump_s > 0 else "back"
            text = f"This machine's clock was set {where} by {abs(jump_s):.0f} s: the run's own time goes on as it was"
            self._recorder.record(Note(level="warning", text=text))

    def _journal_trouble(self) -> str:
        journal = self._recorder.journal
        if journal.lost:
            return f"the journal can't be written: {journal.last_error}"
        stuck_s = journal.stuck_s
        return (
            f"the journal can't be written: the disk has not answered for {stuck_s:.0f} s" if stuck_s > STUCK_S else ""
        )
