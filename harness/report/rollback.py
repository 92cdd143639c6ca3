"""The rollback plan with what became of each step."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.journal.plan import PlannedRollback
from harness.journal.reader import JournalView
from harness.journal.record import RollbackRan
from harness.report import format as say
from harness.report import run


class RollbackResult(BaseModel):
    """A step of the plan. `ran_at` None: it was not run; `exit_code` None then, or where it is not known (`error`).
    `output` is a file inside the run folder. Where a step ran several times, it is the last."""

    model_config = ConfigDict(frozen=True)

    step: int = 0
    name: str = ""
    where: str = ""
    host: str = ""
    container: str = ""
    run: str
    when: str = "asked"
    ran_at: float | None = None
    by: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    error: str = ""
    output: str = ""


def results(view: JournalView) -> tuple[RollbackResult, ...]:
    """Every step of the plan, in its order."""
    last = {ran.step: ran for ran in view.of(RollbackRan)}
    return tuple(
        _result(number, step, last.get(number)) for number, step in enumerate(run.started(view).rollback, start=1)
    )


def ended(ran: RollbackRan) -> str:
    """How a step ended: "exit code 0 after 1.2 s"."""
    if ran.error:
        return f"FAILED: {ran.error}"
    return f"{'' if ran.ok else 'FAILED with '}exit code {ran.exit_code} after {say.seconds(ran.seconds)}"


def place(where: str) -> str:
    """ "on app-1", or "here"."""
    return where if where == "here" else f"on {where}"


def told(view: JournalView) -> str:
    """What was run and by whom it was asked, in one sentence; "" when nothing was."""
    last = {ran.step: ran for ran in view.of(RollbackRan)}
    if not last:
        return ""
    steps = "; ".join(f"step {step} {place(ran.where)}: {ended(ran)}" for step, ran in sorted(last.items()))
    askers = ", ".join(dict.fromkeys(ran.by for ran in last.values()))
    return f"Rolled back, asked by {askers}: {steps}."


def _result(number: int, step: PlannedRollback, ran: RollbackRan | None) -> RollbackResult:
    result = RollbackResult(
        step=number,
        name=step.name,
        where=step.where,
        host=step.host,
        container=step.container,
        run=step.run,
        when=step.when,
    )
    if ran is None:
        return result
    happened = {name: getattr(ran, name) for name in ("by", "exit_code", "seconds", "error", "output")}
    return result.model_copy(update={**happened, "ran_at": ran.t})
