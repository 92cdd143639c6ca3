"""A share of a count: how sure it is, and how it is said."""

from __future__ import annotations

import math
from typing import NamedTuple

_Z_90 = 1.6448536269514722


class Interval(NamedTuple):
    """From `low` to `high`, fractions of 0..1."""

    low: float
    high: float


def interval_90(part: int, whole: int) -> Interval:
    """Wilson's 90 % interval of `part` of `whole`; 0..1 where nothing was counted."""
    if whole <= 0:
        return Interval(0.0, 1.0)
    share, z2 = part / whole, _Z_90**2
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z_90 * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole**2)) / (1 + z2 / whole)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def percent(share: float) -> str:
    """A fraction as a person reads it: 0.0123 -> "1.23%"."""
    return f"{share * 100:.3g}%"
