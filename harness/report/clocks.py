"""Clocks that are not as the run's: said where the difference could mislead somebody who reads logs side by side."""

from __future__ import annotations

from harness.journal.record import ClockOffset

TOLD_S = 0.5
WRONG_S = 2.0


def worth_telling(offset: ClockOffset) -> bool:
    return abs(offset.offset_s) - offset.uncertainty_s > TOLD_S


def sentence(offset: ClockOffset) -> str:
    """Such as "The clock of app-1 is 3.2 s behind this machine's (known to 0.01 s): its times are shifted by that"."""
    side = "ahead of" if offset.offset_s > 0 else "behind"
    known = f"known to {max(offset.uncertainty_s, 0.001):.2g} s"
    mend = "; set it right (NTP)" if abs(offset.offset_s) > WRONG_S else ""
    told = f"The clock of {offset.source} is {abs(offset.offset_s):.4g} s {side} this machine's ({known})"
    return f"{told}: its times are shifted by that{mend}"
