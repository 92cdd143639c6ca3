"""The seal at the end of a run, and again after each command that added to the run folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from harness.errors import GamedayError
from harness.journal import reader, seal_file
from harness.journal.seal import seal
from harness.journal.writer import Journal
from runbooks.run_clock import clock_of_run
from runbooks.run_folder import conductor_of


def close_run(run_folder: Path, journal: Journal, still_writing: threading.Thread | None) -> str:
    """The last thing that a run does: its seal. What is not on disk, and why, in a sentence, or "".

    Files to which `still_writing` may add (a second Ctrl-C did not wait for it) are not sealed.
    """
    written = journal.flush()
    lost = f"{journal.lost} records of the journal could not be written: {journal.last_error}" if journal.lost else ""
    if not written:
        return "; ".join(filter(None, (lost, "the disk does not answer: the end of the journal may not be there")))
    try:
        seal(run_folder, journal, by="conductor", complete=still_writing is None or not still_writing.is_alive())
    except (GamedayError, OSError, ValueError) as error:
        return "; ".join(filter(None, (lost, f"the run could not be sealed: {error}")))
    return lost


def seal_again(run_folder: Path, command: str) -> str:
    """After `command` has added to the folder of a run that was sealed: nothing to do for one that wasn't, or that goes
    on. What could not be sealed, and why, in a sentence, or ""."""
    if conductor_of(run_folder) is not None or not seal_file.last_head(run_folder / "journal"):
        return ""
    try:
        clock = clock_of_run(reader.read(run_folder))
        with Journal(run_folder / "journal", f"{command}-{os.getpid()}", clock) as journal:
            seal(run_folder, journal, by=command)
    except (GamedayError, OSError, ValueError) as error:
        return f"the run could not be sealed again: {error}"
    return ""
