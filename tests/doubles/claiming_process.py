"""A process that claims a target as a run does, and tells so: to be killed or stopped by a test.

`python -P claiming_process.py TARGET RUN BEAT LEASE STALE SETTLE`: prints {"held": [...]} or {"refused": "..."}, then
the undo records that it wrote, and holds on until its standard input ends; what it hears in between goes to standard
output, a line each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.errors import Refused
from harness.journal.record import Note, Record, UndoWritten
from harness.reach.claim import Pace
from runbooks.parsing.inputs import load_target
from runbooks.target_claim import TargetClaim


class Teller:
    """Keeps the undo records, as a recorder does."""

    def __init__(self) -> None:
        self.undos: list[dict[str, object]] = []

    def record(self, record: Record) -> None:
        if isinstance(record, Note) and record.level != "info":
            tell({"noted": record.text})

    def commit(self, record: Record) -> None:
        if isinstance(record, UndoWritten):
            self.undos.append(record.undo)


def tell(line: dict[str, object]) -> None:
    """To standard output, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(target_file: str, run: str, *seconds: str) -> None:
    """Holds on."""
    teller = Teller()
    pace = Pace(*map(float, seconds))
    lost = lambda text: tell({"lost": text})  # noqa: E731 - a name for what is handed over
    with TargetClaim(load_target(Path(target_file)), run, teller, lost, pace=pace) as claim:
        try:
            claim.take()
        except Refused as error:
            tell({"refused": str(error), "code": error.exit_code})
            return
        tell({"held": list(claim.held), "undos": teller.undos})
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
