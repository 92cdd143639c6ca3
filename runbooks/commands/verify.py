"""`gameday verify`: is a run folder what was written?"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from harness.errors import BadInput
from harness.report import format as say
from harness.report.verification import Verification
from harness.report.verification import verify as look
from runbooks.commands.options import RUNS
from runbooks.run_folder import conductor_of, find_run

CHANGED = 10
NOT_VOUCHED_FOR = 12
_HEAD = re.compile(r"[0-9a-f]{12,64}")


@click.command()
@click.argument("run_name", metavar="[RUN]", default="latest")
@RUNS
@click.option("--head", default="", metavar="HASH", help="The head that the run's last lines or its incident told.")
def verify(run_name: str, runs: Path, head: str) -> None:
    """Look whether any byte of RUN's folder was changed, removed or inserted since it was written.

    Exits 0 when all is as it was, 10 when something was changed, 12 when it can't be told whole: a run that was killed
    or goes on has no seal.
    """
    head = head.strip().lower()
    if head and not _HEAD.fullmatch(head):
        raise BadInput(f"{head!r} is no head", mend="12 to 64 digits of 0-9 and a-f, from the run's last lines")
    folder = find_run(runs, run_name)
    try:
        found = look(folder, head)
    except OSError as error:
        where = str(error.filename or folder)
        raise BadInput(f"it can't be read: {error.strerror}", where=where, mend="mend the rights") from error
    for flaw in found.flaws:
        click.echo(f"CHANGED  {flaw}")
    for note in found.notes:
        click.echo(f"note     {note}")
    code, text = _verdict(found, folder)
    click.echo(text)
    sys.exit(code)


def _verdict(found: Verification, folder: Path) -> tuple[int, str]:
    looked = f"{say.plural(found.lines, 'line')} of the journal and {say.plural(found.files, 'other file')}"
    if found.state == "changed":
        return CHANGED, f"{folder.name}: CHANGED: {say.plural(len(found.flaws), 'flaw')} in {looked}"
    if found.state == "intact":
        return 0, f"{folder.name}: intact: {looked} are what was sealed; head {found.head}"
    if found.state == "no chain":
        return NOT_VOUCHED_FOR, f"{folder.name}: made by an older gameday: no chain, so that nothing can be told of it"
    going_on = conductor_of(folder) is not None
    why = "it is going on" if going_on else "it was killed, or its disk was full"
    return NOT_VOUCHED_FOR, (
        f"{folder.name}: nothing was changed as far as the chain goes, but it is not sealed ({why}): the tail can't be "
        f"vouched for"
    )
