"""A condition's look at what is told, one after the other, as the guard has it look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.journal.record import Readings, Window


def first_breach(condition: Any, told: Iterable[Window | Readings]) -> Any:
    """The first breach that it finds, or None."""
    state = condition.start()
    for record in told:
        state, breach = condition.step(state, record)
        if breach:
            return breach
    return None
