"""The platform's own way back: the steps of the rollback plan, run in their order, their output kept as evidence."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.clock import Clock, Deadline
from harness.errors import GamedayError, ReachFailed
from harness.evidence.bundle import Bundle
from harness.journal.plan import PlannedRollback
from harness.journal.reader import JournalView
from harness.journal.record import Record, RollbackRan, RollbackStarted, RunStarted, StopDecided
from harness.reach.allow_list import AllowList
from harness.reach.container_shell import ContainerShell
from harness.reach.here import run_here
from harness.reach.remote_command import CommandResult
from harness.reach.ssh import SshDoor
from harness.redaction import MASK, Redactor
from harness.report import incident
from harness.report.rollback import place
from runbooks.run_started import planned_rollback
from runbooks.runbook import Runbook
from runbooks.target import Target

BY_ITSELF = "the runbook"
SOURCE = "rollback"


class Ways:
    """The doors to the places where steps run. A context manager; each is opened when it is first needed."""

    def __init__(self, started: RunStarted, environment: Mapping[str, str]) -> None:
        self._allow = AllowList(started.allow)
        self._folder = Path(started.folder or ".")
        self._engine = started.engine
        self._environment = environment
        self._stack = ExitStack()
        self._hosts: dict[str, SshDoor] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def run(self, step: PlannedRollback) -> CommandResult:
        """What the step's command wrote and how it ended, by the step's own deadline. Raises ReachFailed."""
        deadline = Deadline.after(step.timeout_s)
        if step.container:
            shell = ContainerShell(self._engine, allow=self._allow, environment=self._environment)
            try:
                return shell.run(step.container, step.run, deadline)
            finally:
                shell.close()
        if step.host:
            return self._host(step).run(step.run, deadline)
        return run_here(step.run, deadline, folder=self._folder)

    def _host(self, step: PlannedRollback) -> SshDoor:
        if not step.ssh:
            raise ReachFailed(f"the run folder does not say how to reach {step.host}", mend="run the command by hand")
        if step.host not in self._hosts:
            identity, known = (Path(text) if text else None for text in (step.identity, step.known_hosts))
            door = SshDoor(step.host, step.ssh, allow=self._allow, identity=identity, known_hosts=known)
            self._stack.callback(door.close)
            self._hosts[step.host] = door
        return self._hosts[step.host]


@dataclass(frozen=True, slots=True)
class Scribe:
    """Where what happened goes: the journal by `record`, the output into the evidence of `run_folder`. `commit` returns
    once a record is on disk."""

    run_folder: Path
    redactor: Redactor
    record: Callable[[Record], None]
    clock: Clock
    commit: Callable[[Record], object] | None = None


def roll_back(
    steps: Sequence[tuple[int, PlannedRollback]],
    run: Callable[[PlannedRollback], CommandResult],
    scribe: Scribe,
    *,
    by: str,
    keep_going: bool = False,
) -> tuple[RollbackRan, ...]:
    """Runs the numbered steps in order, up to the first that fails unless `keep_going`. Raises JournalFailed only."""
    bundle = Bundle(scribe.run_folder, scribe.redactor)
    bundle.take_up()  # what an earlier rollback wrote stays as it is
    begun = RollbackStarted(t=scribe.clock.now_s(), by=by, steps=tuple(number for number, _ in steps))
    if scribe.commit is not None:
        scribe.commit(begun)  # no step runs that nobody could tell of
    else:
        scribe.record(begun)
    done: list[RollbackRan] = []
    for number, step in steps:
        ran = _run_one(number, step, run, scribe, bundle).model_copy(update={"by": by})
        scribe.record(ran)
        done.append(ran)
        if not ran.ok and not keep_going:
            break
    scribe.record(bundle.finish())
    return tuple(done)


def longest_s(runbook: Runbook) -> float:
    """How long the steps that may run by themselves take at most."""
    return sum(step.timeout_s for step in runbook.rollback if step.when != "asked")


def roll_back_by_itself(runbook: Runbook, target: Target, view: JournalView, scribe: Scribe) -> None:
    """Runs what the runbook wants to run without being asked after such a run; commands are as the runbook has them,
    since the journal's are redacted."""
    steps = by_itself([planned_rollback(step, target) for step in runbook.rollback], view)
    started = view.first(RunStarted)
    if steps and started is not None:
        with Ways(started, os.environ) as ways:
            roll_back(steps, ways.run, scribe, by=BY_ITSELF)


def by_itself(steps: Sequence[PlannedRollback], view: JournalView) -> tuple[tuple[int, PlannedRollback], ...]:
    """The steps that the runbook wants to run without being asked, after what happened in this run."""
    stop = view.first(StopDecided)
    stopped = stop is not None and stop.source == "condition"
    wanted = {"stopped": stopped, "not-held": incident.opened(view)}
    return tuple((number, step) for number, step in enumerate(steps, start=1) if wanted.get(step.when, False))


def _run_one(
    number: int,
    step: PlannedRollback,
    run: Callable[[PlannedRollback], CommandResult],
    scribe: Scribe,
    bundle: Bundle,
) -> RollbackRan:
    begun = scribe.clock.now_s()
    result, error = _result(step, run)
    now = scribe.clock.now_s()
    ran = RollbackRan(t=now, step=number, where=step.where, run=step.run, by="", seconds=now - begun, error=error)
    if result is None:
        return ran
    text = _text(step, result, now - begun)
    file = bundle.add_text(SOURCE, step.run, f"step-{number}.txt", text, truncated=result.truncated)
    known = result.exit_code >= 0
    why = error or ("" if known else "how it ended is not known: it was ended by a signal, or wrote too much")
    return ran.model_copy(update={"exit_code": result.exit_code if known else None, "error": why, "output": file.path})


def _result(step: PlannedRollback, run: Callable[[PlannedRollback], CommandResult]) -> tuple[CommandResult | None, str]:
    if MASK in step.run:
        return None, "a secret stood in this command, and the run folder does not keep it: run it by hand"
    try:
        return run(step), ""
    except GamedayError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - one step that breaks must not lose the account of the others
        return None, f"{type(error).__name__}: {error}"


def _text(step: PlannedRollback, result: CommandResult, seconds: float) -> str:
    out, err = (part.decode(errors="replace") for part in (result.stdout, result.stderr))
    ended = f"exit code {result.exit_code}" if result.exit_code >= 0 else "exit code unknown"
    head = f"$ {step.run}\n# {place(step.where)}, {ended}, {seconds:.1f} s\n"
    return f"{head}--- standard output\n{out}\n--- standard error\n{err}\n"
