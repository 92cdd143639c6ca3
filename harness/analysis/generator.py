"""Whether the load generator itself kept up: what it measures while it doesn't is partly its own."""

from __future__ import annotations

from collections.abc import Sequence

from harness.journal.record import Window

BUSY_LAG_MS = 50.0
"""A lag of Locust's event loop above this is told, and taken off before a platform is blamed."""


def lag_ms(windows: Sequence[Window]) -> float:
    """The 95th percentile of the lag of the generator's event loop; 0 without windows."""
    lags = sorted(window.lag_ms for window in windows)
    return lags[int(0.95 * len(lags))] if lags else 0.0


def busiest_cpu(windows: Sequence[Window]) -> float | None:
    """The mean share of one core that the busiest load process took; None without windows."""
    return sum(window.cpu for window in windows) / len(windows) if windows else None
