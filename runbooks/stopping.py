"""Stops runs from another terminal: the conductor is asked, and its orderly end awaited."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from harness.clock import Deadline
from harness.errors import BadInput, GamedayError
from harness.journal import reader
from harness.journal.record import VerdictReached
from runbooks.process import ProcessId
from runbooks.run_folder import all_runs, conductor_of, find_run

_LOOK_EVERY_S = 0.1


def stop_runs(runs: Path, name: str, deadline: Deadline) -> Iterator[str]:
    """Ask the run `name` ("": every living run) to stop and say how it ended.

    Raises BadInput when nothing is running, GamedayError when a conductor does not end by the deadline.
    """
    folders = [find_run(runs, name)] if name else list(all_runs(runs))
    living = [(folder, process) for folder in folders if (process := conductor_of(folder)) is not None]
    if not living:
        raise BadInput("no game day is going on", where=str(runs), mend="see: gameday status")
    for _, process in living:
        os.kill(process.pid, signal.SIGTERM)
    for folder, process in living:
        _await_end(folder, process, deadline)
        verdict = reader.read(folder).last(VerdictReached)
        yield f"{folder.name}: {verdict.verdict}: {verdict.reason}" if verdict else f"{folder.name}: ended"


def _await_end(folder: Path, process: ProcessId, deadline: Deadline) -> None:
    tick = threading.Event()
    while process.alive:
        if deadline.passed:
            raise GamedayError(f"the conductor {process.pid} has not ended", where=folder.name,
                               mend=f"kill -9 {process.pid}; its healer heals, then see: gameday status")  # fmt: skip
        tick.wait(_LOOK_EVERY_S)
