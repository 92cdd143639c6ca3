"""A comparison in words, for every view of it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.journal.comparison import ComparedLevel, Comparison
from harness.report import format as say

HEADINGS = ("service level", "phase", "before", "after", "change")
CAVEAT = "Two runs one after the other differ by up to about 30% by themselves: less than that is no clear change."


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """`good`: a change for the better or the worse; None: neither, or unknown."""

    level: str
    phase: str
    before: str
    after: str
    change: str
    good: bool | None


def rows(comparison: Comparison) -> tuple[ComparedRow, ...]:
    """A row for each limit and phase."""
    return tuple(_row(level) for level in comparison.levels)


def _row(level: ComparedLevel) -> ComparedRow:
    good = {"now met": True, "better": True, "no longer met": False, "worse": False}.get(level.change)
    return ComparedRow(
        level=level.text or level.name,
        phase=level.phase,
        before=_value(level.before, level.unit, met=level.met_before),
        after=_value(level.after, level.unit, met=level.met_after),
        change=level.change + _by(level),
        good=good,
    )


def _value(value: float | None, unit: str, *, met: bool | None) -> str:
    word = "unknown" if met is None else "met" if met else "NOT met"
    return word if value is None else f"{say.quantity(value, unit)} ({word})"


def _by(level: ComparedLevel) -> str:
    """Only a change that is one has a size."""
    if level.ratio is None or level.change in ("unknown", "no clear change"):
        return ""
    return f" ({level.ratio - 1:+.0%})"
