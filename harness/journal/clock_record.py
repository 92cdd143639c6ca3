"""Other machines' clocks, as they were found at the start of the run."""

from __future__ import annotations

from typing import Literal

from harness.journal.base import Record

_SAME_S = 0.05


class ClockOffset(Record):
    """How far the clock of `source` (a host, "database.main", "cache.main", "docker") is ahead of the run's, behind if
    negative; it is known within `uncertainty_s`."""

    kind: Literal["clock-offset"] = "clock-offset"
    source: str
    offset_s: float
    uncertainty_s: float

    @property
    def significant_s(self) -> float:
        """The offset where it is more than what may be the way's own doing, else 0."""
        return self.offset_s if abs(self.offset_s) > max(self.uncertainty_s, _SAME_S) else 0.0
