"""Where a run's inputs came from: what a rerun needs to find them again."""

from __future__ import annotations

from harness.journal.record import RunStarted
from runbooks.runbook import Runbook
from runbooks.target import Target

RUNBOOK, TARGET = "runbook.yaml", "target.yaml"
"""The inputs' names in a run folder, beside the Locust file's own."""


def with_provenance(started: RunStarted, runbook: Runbook, target: Target, *, composed: bool) -> RunStarted:
    """The record with the inputs' own paths."""
    locustfile = runbook.load.locustfile
    paths = {RUNBOOK: runbook.path, TARGET: target.path, locustfile.name: locustfile}
    return started.model_copy(
        update={
            "input_paths": {name: str(path.resolve()) for name, path in paths.items()},
            "composed": composed,
            "processes": runbook.load.processes,
            "exclude_tags": runbook.load.exclude_tags,
        }
    )
