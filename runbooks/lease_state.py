"""What `gameday status` says of a run's lease keeper."""

from __future__ import annotations

from pathlib import Path

from harness.journal import reader
from harness.journal.record import LeaseKept


def lease_of(run_folder: Path) -> str:
    """ "; its lease keeper on app-1 stands", or nothing where the run has none."""
    kept = reader.read(run_folder).last(LeaseKept)
    if kept is None:
        return ""
    detail = f" ({kept.detail})" if kept.state == "lost" else ""
    return f"; its lease keeper on {kept.host}: {kept.state}{detail}"
