"""An incident as one value: Markdown and Slack are two renderings of it. Every text is plain, without markup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.journal.reader import JournalView
from harness.journal.record import (
    EvidenceCollected,
    EvidenceFile,
    EvidenceMissing,
    EvidencePiece,
    FindingNamed,
    JournalHead,
    LevelJudged,
    RunStarted,
    Verdict,
)
from harness.report import format as say
from harness.report import halt, impact, level_label, markdown_template, procedure, run, timeline, whole_file
from harness.report.fault_account import FaultAccount, begun
from harness.report.impact import Impact
from harness.report.procedure import Step
from harness.report.timeline import Event
from harness.report.waived import waived

FILE = "incident.md"


@dataclass(frozen=True, slots=True)
class LevelLine:
    """A service level in one phase: `text` such as "api p95 < 200 ms in faults: 812 ms"; `met` None: unknown."""

    text: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class FaultLine:
    """A fault that was injected. `on_at_breach`: it was on when the run deviated. `healed_text` says by whom and
    how that was verified, or why not; `command` is what to type where it is not healed."""

    name: str
    kind: str
    what: str  # "pool-exhaustion on proxy postgres"
    injected_at_s: float | None
    healed_at_s: float | None
    on_at_breach: bool
    healed: bool
    healed_text: str
    command: str = ""
    without_effect: bool = False  # a proof says so: what was suffered is not its doing
    not_back: bool = False  # taken off, but the wire does not answer as before


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding. `explained_by`: the name of the injected fault that explains it by itself, or ""."""

    cause: str
    summary: str
    confidence: float
    explained_by: str
    evidence: tuple[EvidencePiece, ...]
    recommendation: str


@dataclass(frozen=True, slots=True)
class Incident:
    """What a person on call needs, in this order. Times in seconds since the start of the run, and UTC."""

    run: str
    headline: str  # one line: "Stopped: Investors keep investing while ..."
    verdict: Verdict | None
    reason: str  # one sentence: the breach that stopped the run, else all that the verdict stands on
    expected: bool  # the runbook asked for this verdict: a drill
    runbook: str
    target: str
    environment: str
    started_at: datetime | None
    opened_at_s: float
    opened_at: datetime | None
    impact: Impact
    levels: tuple[LevelLine, ...]  # those that were not met first, then the unknown ones
    faults: tuple[FaultLine, ...]
    timeline: tuple[Event, ...]
    likely_cause: Cause | None
    other_causes: tuple[Cause, ...]
    steps: tuple[Step, ...]  # the emergency procedure, in its order
    rerun: str
    run_folder: str
    report: str  # the path of report.html
    evidence_complete: bool | None  # None: not collected (yet)
    evidence_files: tuple[EvidenceFile, ...]
    evidence_missing: tuple[EvidenceMissing, ...]
    journal_head: str = ""  # its first digits; `gameday verify RUN --head` proves by it what stood in the journal then
    waived: tuple[str, ...] = ()  # guard rails that objected, and by which opt-out they were waived
    broken: tuple[str, ...] = ()  # what no drill asks for: invariants that were not met, and crashes

    @property
    def faults_on(self) -> tuple[FaultLine, ...]:
        """The faults that were on when the run deviated."""
        return tuple(fault for fault in self.faults if fault.on_at_breach)


def opened(view: JournalView) -> bool:
    """True when the run deviated, was stopped by a condition or could not be healed."""
    verdict = run.ending(view).verdict
    if verdict in ("deviated", "not-healed"):
        return True
    stop = halt.build(view)
    return verdict == "stopped" and stop is not None and stop.source == "condition"


def build(view: JournalView, run_folder: Path) -> Incident:
    """The incident of a run; it may be built at the halt already, and again as more is known."""
    started, ending = run.started(view), run.ending(view)
    opened_at_s = impact.deviated_at_s(view)
    collected = view.last(EvidenceCollected)
    causes = _causes(view)
    return Incident(
        run=started.run,
        headline=say.one_line(f"{(ending.verdict or 'no verdict').capitalize()}: {started.runbook}", 150),
        verdict=ending.verdict,
        reason=_reason(view, ending),
        expected=ending.verdict == started.expect,
        runbook=started.runbook,
        target=started.target,
        environment=started.environment,
        started_at=run.utc(started, 0.0),
        opened_at_s=opened_at_s,
        opened_at=run.utc(started, opened_at_s),
        impact=impact.measure(view),
        broken=_broken(view),
        waived=tuple(rail.text for rail in waived(view)),
        journal_head=head.short if (head := view.last(JournalHead)) is not None else "",
        levels=_levels(view, started),
        faults=tuple(_fault(account, opened_at_s) for account in begun(view)),
        timeline=timeline.events(view),
        likely_cause=causes[0] if causes else None,
        other_causes=causes[1:],
        steps=procedure.steps(view),
        rerun=procedure.rerun_command(started),
        run_folder=str(run_folder),
        report=str(run_folder / "report.html"),
        evidence_complete=collected.complete if collected else None,
        evidence_files=collected.files if collected else (),
        evidence_missing=collected.missing if collected else (),
    )


def write_markdown(incident: Incident, run_folder: Path) -> None:
    """Write `incident.md`. Raises OSError."""
    whole_file.write(run_folder / FILE, markdown_template.render("incident.md.j2", incident=incident))


def _reason(view: JournalView, ending: run.Ending) -> str:
    """A stop's own words: what else went wrong stands with the service levels and the faults."""
    stop = halt.build(view)
    own = stop.text if ending.verdict == "stopped" and stop is not None else ""
    return say.sentence(own or ending.reason)


def _levels(view: JournalView, started: RunStarted) -> tuple[LevelLine, ...]:
    gravest_first = sorted(view.of(LevelJudged), key=lambda level: (False, None, True).index(level.met))
    return tuple(
        LevelLine(
            f"{level_label.label(started, level)} in {level.phase}: {say.quantity(level.value, level.unit)}", level.met
        )
        for level in gravest_first
    )


def _broken(view: JournalView) -> tuple[str, ...]:
    return tuple(
        f"{level.text.removesuffix(': not met')} (in {level.phase})"
        for level in view.of(LevelJudged)
        if level.met is False and level.about in ("invariant", "crash")
    )


def _fault(account: FaultAccount, opened_at_s: float) -> FaultLine:
    return FaultLine(
        name=account.name,
        kind=account.kind,
        what=account.what,
        injected_at_s=account.injected_at,
        healed_at_s=account.healed_at,
        on_at_breach=account.on_at(opened_at_s),
        healed=account.healed,
        healed_text=account.healed_text,
        command=account.command,
        without_effect=account.effective is False,
        not_back=account.not_back,
    )


def _causes(view: JournalView) -> tuple[Cause, ...]:
    names = {account.id: account.name for account in begun(view)}
    return tuple(
        Cause(
            cause=finding.cause,
            summary=finding.summary,
            confidence=finding.confidence,
            explained_by=names.get(finding.explained_by_fault or "", finding.explained_by_fault or ""),
            evidence=finding.evidence,
            recommendation=finding.recommendation,
        )
        for finding in view.of(FindingNamed)
    )
