"""`gameday rollback`: the platform's own way back, when a person asks, from the run folder alone."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from harness.errors import BadInput, Refused
from harness.journal import reader
from harness.journal.plan import PlannedRollback
from harness.journal.reader import JournalView
from harness.journal.record import LoadEnded, LoadStopped, Record, RollbackRan, RollbackStarted, RunStarted, StopDecided
from harness.journal.writer import Journal
from harness.redaction import Redactor
from harness.report.rollback import place
from harness.report.write import write_all
from runbooks.commands.options import RUNS
from runbooks.rollback import Scribe, Ways, roll_back
from runbooks.run_clock import clock_of_run
from runbooks.run_folder import conductor_of, find_run
from runbooks.sealing import seal_again

FAILED = 10
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
Numbered = tuple[tuple[int, PlannedRollback], ...]


@click.command()
@click.argument("run_name", metavar="[RUN]", default="latest")
@RUNS
@click.option(
    "--step",
    "numbers",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="N",
    help="Only this step; may be given more than once.",
)
@click.option(
    "--confirm",
    "confirmed",
    multiple=True,
    metavar="NAME",
    help="For scripts: the place that would be typed; once for each place.",
)
@click.option("--keep-going", is_flag=True, help="Go on after a step that failed.")  # fmt: skip
def rollback(
    run_name: str,
    runs: Path,
    numbers: tuple[int, ...],
    confirmed: tuple[str, ...],
    keep_going: bool,  # noqa: FBT001 - click hands options over by name
) -> None:
    """Run the rollback plan of RUN, step by step, once its places are confirmed by name.

    Exits 0 when every step did, 10 when one failed, 14 when nothing was run.
    """
    folder = find_run(runs, run_name)
    view = reader.read(folder)
    started = view.first(RunStarted)
    if started is None:
        raise BadInput("its journal holds no start of a run", where=str(folder), mend="name another run")
    steps = _chosen(started, numbers)
    _refuse_while_going_on(folder, view)
    redactor = _redactor(folder)
    _show(steps, view, redactor)
    _confirm(steps, confirmed)
    done = _play(folder, started, steps, redactor, keep_going=keep_going)
    sys.exit(0 if len(done) == len(steps) and all(ran.ok for ran in done) else FAILED)


def _chosen(started: RunStarted, numbers: Sequence[int]) -> Numbered:
    plan = tuple(enumerate(started.rollback, start=1))
    if not plan:
        mend = "write emergency: {rollback: [{host: app-1, run: ...}]} into the runbook"
        raise BadInput(f"the runbook of {started.run} has no rollback plan", mend=mend)
    unknown = [number for number in numbers if number > len(plan)]
    if unknown:
        raise BadInput(f"there is no step {unknown[0]}", mend=f"the plan has the steps 1 to {len(plan)}")
    return tuple((number, step) for number, step in plan if not numbers or number in numbers)


def _refuse_while_going_on(folder: Path, view: JournalView) -> None:
    """While the load still runs, a rollback would be measured, not seen."""
    if conductor_of(folder) is None:
        return
    halted = view.first(StopDecided) is not None and (view.first(LoadStopped) or view.first(LoadEnded)) is not None
    if not halted:
        raise Refused(f"run {folder.name} is going on, under load", mend=f"stop it first: gameday stop {folder.name}")


def _show(steps: Numbered, view: JournalView, redactor: Redactor) -> None:
    ran = {record.step: record for record in view.of(RollbackRan)}
    for number, step in steps:
        name = f"{step.name}: " if step.name else ""
        before = f" (ran before, {_ended(ran[number])})" if number in ran else ""
        click.echo(f"  {number}. {name}{_place(step)}: {redactor.text(step.run)}{before}")


def _place(step: PlannedRollback) -> str:
    if step.container:
        return f"container {step.container}"
    return f"host {step.host} ({step.ssh})" if step.host else "here, on this machine"


def _confirm(steps: Numbered, confirmed: Sequence[str]) -> None:
    """Every place is typed by its name before anything runs. Raises Refused."""
    places = tuple(dict.fromkeys(step.where for _, step in steps))
    strange = [name for name in confirmed if name not in places]
    if strange:
        raise Refused(f"nothing runs on {strange[0]}: nothing was run", mend=f"the places are {', '.join(places)}")
    for name in places:
        if name in confirmed:
            continue
        if not sys.stdin.isatty():
            flags = " ".join(f"--confirm {each}" for each in places)
            raise Refused(f"{name} was not confirmed: nothing was run", mend=f"for scripts: {flags}")
        typed = click.prompt(f"type {name} to run this {place(name)}", default="", show_default=False)
        if typed.strip() != name:
            raise Refused(f"{name} was not confirmed: nothing was run", mend="type the name as it stands there")


def _play(
    folder: Path, started: RunStarted, steps: Numbered, redactor: Redactor, *, keep_going: bool
) -> tuple[RollbackRan, ...]:
    clock = clock_of_run(reader.read(folder))
    with (
        Journal(folder / "journal", f"rollback-{os.getpid()}", clock, redactor) as journal,
        Ways(started, os.environ) as ways,
    ):

        def record(made: Record) -> None:
            journal.write(made)
            _tell(made, folder, redactor)

        def commit(made: Record) -> None:
            journal.commit(made)
            _tell(made, folder, redactor)

        scribe = Scribe(folder, redactor, record, clock, commit)
        done = roll_back(steps, ways.run, scribe, by=_user(), keep_going=keep_going)
        journal.flush()
    if conductor_of(folder) is None:
        write_all(folder)
        if unsealed := seal_again(folder, "rollback"):
            click.echo(unsealed, err=True)
    return done


def _tell(record: Record, folder: Path, redactor: Redactor) -> None:
    if isinstance(record, RollbackStarted):
        click.echo(f"running {len(record.steps)} of the rollback plan's steps, asked by {record.by}")
    if isinstance(record, RollbackRan):
        output = f", output in {folder / record.output}" if record.output else ""
        click.echo(redactor.text(f"  {record.step}. {place(record.where)}: {_ended(record)}{output}"))


def _ended(ran: RollbackRan) -> str:
    if ran.error:
        return f"FAILED: {ran.error}"
    took = f"after {ran.seconds:.1f} s"
    return f"done {took}" if ran.ok else f"FAILED with exit code {ran.exit_code} {took}"


def _redactor(folder: Path) -> Redactor:
    """Knows what the target's references mean in this environment, as the run itself did."""
    try:
        text = (folder / "target.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Redactor()
    return Redactor(value for name in _REFERENCE.findall(text) if (value := os.environ.get(name, "")))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
