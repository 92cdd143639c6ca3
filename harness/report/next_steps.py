"""What a person does next, whatever the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from harness.journal.reader import JournalView
from harness.journal.record import FindingNamed
from harness.report import incident, procedure, rollback, run
from harness.report.fault_account import begun
from harness.report.procedure import Step


@dataclass(frozen=True, slots=True)
class NextStep:
    """`commands` are to be typed."""

    text: str
    commands: tuple[str, ...] = ()


_AFTER_A_GOOD_RUN = (
    "Put this game day on a regular schedule: what holds today may not hold after the next release.",
    "Watch the same service levels in production's monitoring, with alerts at the same limits.",
    "Raise the bar: more users, a longer or a worse fault, until you know where the limit lies (capacity planning).",
)
_ADVICE = {
    "invalid": "The run proves nothing. Mend what its reason names, then play it again.",
    "refused": "Nothing was touched. The reason names what to change, or its opt-out.",
    "error": "An error of gameday's own ended the run: what it says nothing about is unknown.",
    "stopped": "A person stopped the run: play it again to its end.",
}
_NO_VERDICT = (
    "The run has no verdict: see whether it is still going on. What it left injected is healed by gameday heal."
)


def next_steps(view: JournalView) -> tuple[NextStep, ...]:
    """The emergency procedure's open steps where an incident opened, else what the verdict asks for. Recommendations
    stand in the report already and are not said again."""
    started, verdict = run.started(view), run.ending(view).verdict
    again = (procedure.rerun_command(started),)
    if incident.opened(view):
        advised = any(finding.recommendation for finding in view.of(FindingNamed))
        rolled_back = rollback.told(view)
        todo = (step for step in procedure.steps(view) if not step.done)
        return tuple(_open(step, advised=advised, rolled_back=rolled_back) for step in todo)
    if verdict == "held":
        return (*(NextStep(text) for text in _AFTER_A_GOOD_RUN), NextStep("Play it again:", again))
    if verdict is None:
        left = any(not fault.healed for fault in begun(view))
        return (NextStep(_NO_VERDICT, ("gameday status", "gameday heal") if left else ("gameday status",)),)
    return (NextStep(_ADVICE.get(verdict, "Read the timeline."), again),)


def _open(step: Step, *, advised: bool, rolled_back: str) -> NextStep:
    if step.name == procedure.FIX and advised:
        step = procedure.fix("As recommended above.", step.commands, rolled_back)
    return NextStep(f"{step.name}: {step.detail}", step.commands)
