"""The emergency procedure, step by step: what was done by itself and what a person still has to do."""

from __future__ import annotations

from dataclasses import dataclass

from harness.journal.reader import JournalView
from harness.journal.record import EvidenceCollected, FindingNamed, LoadEnded, LoadStopped, RunStarted
from harness.report import format as say
from harness.report import halt, rollback, run
from harness.report.fault_account import begun

FIX = "Implement fixes"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the procedure. `detail` says how it was done or what is missing; `commands` are to be typed."""

    name: str
    done: bool
    detail: str
    commands: tuple[str, ...] = ()


def steps(view: JournalView) -> tuple[Step, ...]:
    """Stop the test, collect logs, analyse bottlenecks, implement fixes, rerun the test: always in this order."""
    started = run.started(view)
    return (_stop(view), _collect(view), _analyse(view), _fix(view, started), _rerun(started))


def rollback_commands(started: RunStarted) -> tuple[str, ...]:
    """The rollback plan as lines to read: "app-1: systemctl restart crowdfund", and the command that runs it."""
    plan = tuple(f"{step.where}: {step.run}" for step in started.rollback)
    return (*plan, f"gameday rollback {started.run}") if plan else ()


def _stop(view: JournalView) -> Step:
    name = "Stop the test"
    left_on = [fault for fault in begun(view) if not fault.healed and not fault.not_back]
    not_back = [fault for fault in begun(view) if fault.not_back]
    if not_back and not left_on:
        measured = "; ".join(f"{fault.name}: {fault.healing.measured_after}" for fault in not_back if fault.healing)
        detail = f"The faults are off, but the wire is not back ({measured}). See whether what lies behind it is up."
        return Step(name, done=False, detail=detail)
    if left_on:
        names = ", ".join(fault.name for fault in left_on)
        commands = tuple(dict.fromkeys(fault.command for fault in left_on if fault.command))
        return Step(name, done=False, detail=f"Still injected: {names}. Take it off by hand.", commands=commands)
    stop = halt.build(view)
    if stop is not None and stop.took_s is not None:
        since = "breach" if stop.breach_at is not None else "decision"
        return Step(
            name, done=True, detail=f"Load stopped and all faults healed {say.seconds(stop.took_s)} after the {since}."
        )
    if view.first(LoadStopped) or view.first(LoadEnded):
        return Step(name, done=True, detail="The load has ended and no fault is left injected.")
    return Step(name, done=False, detail="No end of the load is in the journal.", commands=("gameday stop",))


def _collect(view: JournalView) -> Step:
    name = "Collect logs"
    collected = view.last(EvidenceCollected)
    if collected is None:
        return Step(name, done=False, detail="Nothing has been collected (yet).")
    have = f"{say.plural(len(collected.files), 'file')} in evidence/"
    if collected.complete:
        return Step(name, done=True, detail=f"{have}, complete.")
    missing = "; ".join(f"{gone.source}: {gone.what} ({gone.reason})" for gone in collected.missing)
    return Step(name, done=False, detail=f"{have}. Missing: {say.one_line(missing) or 'unknown'}.")


def _analyse(view: JournalView) -> Step:
    name = "Analyse bottlenecks"
    findings = view.of(FindingNamed)
    if findings:
        causes = ", ".join(dict.fromkeys(finding.cause for finding in findings))
        return Step(name, done=True, detail=f"Named: {causes}. Check the evidence before you act on it.")
    return Step(name, done=False, detail="No bottleneck was recognised: read the timeline, the chart and the logs.")


def _fix(view: JournalView, started: RunStarted) -> Step:
    advice = next((finding.recommendation for finding in view.of(FindingNamed) if finding.recommendation), "")
    told = say.sentence(advice) or "Decide on a fix; no recommendation could be made."
    return fix(told, rollback_commands(started), rollback.told(view))


def fix(advice: str, commands: tuple[str, ...], rolled_back: str = "") -> Step:
    """The fixes to implement, as `advice` says in whole sentences, with the rollback plan and what of it was run."""
    plan = " The platform's rollback plan, where it is needed:" if commands else ""
    return Step(FIX, done=False, detail=f"{rolled_back} {advice}".strip() + plan, commands=commands)


def _rerun(started: RunStarted) -> Step:
    again = "Play the same game day again and compare."
    return Step("Rerun the test", done=False, detail=again, commands=(rerun_command(started),))


def rerun_command(started: RunStarted) -> str:
    """Plays the same inputs again, also where the files have changed since, and puts before and after side by side."""
    return f"gameday rerun {started.run}"
