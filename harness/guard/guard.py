"""The guard: sees every message first and answers with the breach that ends the run, or with nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.guard.condition import Condition, Distance, LearnsInWarmUp
from harness.journal.record import Breach, Readings, Record, Window


class Guard:
    """The stop conditions of a run with their states.

    Disarmed (as it begins) it watches without answering; `arm` starts every condition fresh, except that those
    which learn in warm-up keep what they learnt. The first breach is kept; later messages are not looked at.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = tuple(conditions)
        self._states: list[Any] = [c.start() for c in self._conditions]
        self._armed = False
        self._breach: Breach | None = None

    @property
    def armed(self) -> bool:
        return self._armed

    @property
    def breach(self) -> Breach | None:
        """The first breach, once there was one."""
        return self._breach

    def arm(self) -> None:
        """From now on a breach counts. Arming an armed guard changes nothing."""
        if self._armed:
            return
        self._armed = True
        for i, condition in enumerate(self._conditions):
            if isinstance(condition, LearnsInWarmUp):
                self._states[i] = condition.armed(self._states[i])
            else:
                self._states[i] = condition.start()

    def see(self, message: Record) -> Breach | None:
        """The breach that this message completes; at most one in the life of a guard."""
        if self._breach is not None or not isinstance(message, Window | Readings):
            return None
        for i, condition in enumerate(self._conditions):
            self._states[i], breach = condition.step(self._states[i], message)
            if breach is not None and self._armed and self._breach is None:
                self._breach = breach
        return self._breach

    def distances(self) -> tuple[tuple[str, Distance], ...]:
        """Each condition's text and how far it is from its limit."""
        return tuple((c.text, c.distance(s)) for c, s in zip(self._conditions, self._states, strict=True))
