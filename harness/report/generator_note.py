"""One sentence on a load generator that could not keep up in a run."""

from __future__ import annotations

from harness.analysis import generator
from harness.journal.reader import JournalView
from harness.report import measured


def note(view: JournalView) -> str:
    """ "" where it kept up."""
    lag_ms = generator.lag_ms(measured.windows(view))
    if lag_ms <= generator.BUSY_LAG_MS:
        return ""
    return f"the load generator itself lagged by {lag_ms:.0f} ms (p95): the latencies are partly its own"
