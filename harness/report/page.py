"""What the report shows, put together once from the journal; Markdown and HTML are two renderings of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.journal.reader import JournalView
from harness.journal.record import ClockOffset, EvidenceCollected, FindingNamed, LogCounted, RunStarted, Window
from harness.report import clocks, incident, level_table, result, run, timeline, work_table
from harness.report import format as say
from harness.report.fault_account import FaultAccount, accounts
from harness.report.level_table import LevelTable
from harness.report.next_steps import NextStep, next_steps
from harness.report.result import Result
from harness.report.timeline import Event
from harness.report.work_table import WorkTable


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """A number that stands at the top; `note` is the small print under it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything plain text; times in seconds since the start of the run."""

    started: RunStarted
    started_at: datetime | None
    lasted_s: float
    result: Result
    verdict: str
    reason: str
    drill: bool  # the runbook asked for this verdict, and it is not "held"
    incident: bool  # incident.md lies beside
    key_numbers: tuple[KeyNumber, ...]
    levels: LevelTable
    faults: tuple[FaultAccount, ...]
    findings: tuple[FindingNamed, ...]
    recommendations: tuple[str, ...]
    logs: tuple[LogCounted, ...]
    work: WorkTable
    evidence: EvidenceCollected | None
    timeline: tuple[Event, ...]
    next_steps: tuple[NextStep, ...]
    clocks: tuple[str, ...]  # sentences on those that are not as the run's
    unreadable: int  # lines of the journal that are no record
    run_folder: str

    def fault_name(self, fault_id: str | None) -> str:
        """The name of a fault by its id."""
        return next((fault.name for fault in self.faults if fault.id == fault_id), fault_id or "")


def build(view: JournalView, run_folder: Path) -> Page:
    """The page of a run, as far as the journal knows it."""
    started, outcome = run.started(view), result.build(view)
    findings = view.of(FindingNamed)
    return Page(
        started=started,
        started_at=run.utc(started, 0.0),
        lasted_s=_lasted_s(view, outcome),
        result=outcome,
        verdict=outcome.verdict or "no verdict",
        reason=say.sentence(outcome.reason),
        drill=outcome.verdict == started.expect != "held",
        incident=incident.opened(view),
        key_numbers=_key_numbers(outcome),
        levels=level_table.build(view),
        faults=accounts(view),
        findings=findings,
        recommendations=tuple(dict.fromkeys(say.sentence(f.recommendation) for f in findings if f.recommendation)),
        logs=view.of(LogCounted),
        work=work_table.build(view),
        evidence=view.last(EvidenceCollected),
        timeline=timeline.events(view),
        next_steps=next_steps(view),
        clocks=tuple(clocks.sentence(offset) for offset in view.of(ClockOffset) if clocks.worth_telling(offset)),
        unreadable=view.unreadable,
        run_folder=str(run_folder),
    )


def _lasted_s(view: JournalView, outcome: Result) -> float:
    """Until the last phase or the load had ended, without the collecting after it."""
    load_end = outcome.stop.load_stopped_at if outcome.stop else None
    windows = view.of(Window)
    ends = [load_end, windows[-1].end if windows else None, *(span.end for span in outcome.phases)]
    return max((end for end in ends if end is not None), default=run.last_moment_s(view))


def _key_numbers(outcome: Result) -> tuple[KeyNumber, ...]:
    load, stop = outcome.load, outcome.stop
    numbers = [
        KeyNumber(
            "Requests", say.count(load.requests), f"{say.per_second(load.rps)}, {say.plural(load.users, 'user')}"
        ),
        KeyNumber("Error rate", say.percent(load.error_rate), f"{say.plural(load.failed, 'failed request')}"),
        KeyNumber("Average response", say.milliseconds(load.mean_ms), f"median {say.milliseconds(load.p50_ms)}"),
        KeyNumber("p95 response", say.milliseconds(load.p95_ms), f"p99 {say.milliseconds(load.p99_ms)}"),
    ]
    if stop is not None:
        since = "from the breach" if stop.breach_at is not None else "from the decision"
        numbers.append(KeyNumber("Halt complete after", say.seconds(stop.took_s), f"{since}: load stopped, all healed"))
    if outcome.time_to_recover_s is not None:
        numbers.append(
            KeyNumber("Time to recover", say.seconds(outcome.time_to_recover_s), "until all levels held again")
        )
    if outcome.faults:
        healed = sum(fault.healed for fault in outcome.faults)
        numbers.append(KeyNumber("Faults healed", f"{healed} of {len(outcome.faults)}", _effects(outcome)))
    return tuple(numbers)


def _effects(outcome: Result) -> str:
    proven = sum(fault.effective is True for fault in outcome.faults)
    return f"{proven} proven to have worked"
