"""`result.json`: the machine's view of a run. Times in seconds since its start, rates as fractions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from harness.journal.comparison import Comparison
from harness.journal.reader import JournalView
from harness.journal.record import (
    AlertSeen,
    ClockOffset,
    Compared,
    EvidenceCollected,
    EvidenceMissing,
    EvidencePiece,
    FindingNamed,
    LevelJudged,
    Notified,
    PhaseName,
    Proof,
    Recovered,
    Verdict,
)
from harness.report import halt, load_totals, measured, phase_span, rollback, run, success, whole_file
from harness.report.fault_account import FaultAccount, begun
from harness.report.halt import Halt
from harness.report.load_totals import LoadTotals
from harness.report.measured import EndpointResult, ResourceResult
from harness.report.phase_span import PhaseSpan
from harness.report.rollback import RollbackResult
from harness.report.success import Criterion
from harness.report.waived import WaivedRail, waived

SCHEMA = 1
FILE = "result.json"
_P = TypeVar("_P", bound="_Part")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class LevelResult(_Part):
    name: str
    phase: PhaseName
    value: float | None
    limit: float
    unit: str
    met: bool | None
    p95_ms: float | None = None
    error_rate: float | None = None
    about: str = ""
    text: str = ""


class AlertResult(_Part):
    """An alert that was heard of at `t`; `since`: when it began, as the alerting says."""

    t: float
    name: str
    labels: dict[str, str]
    state: str
    since: float | None
    source: str


class ClockResult(_Part):
    """How far the clock of a source is ahead of the run's, behind if negative."""

    source: str
    offset_s: float
    uncertainty_s: float


class Statement(_Part):
    """A sentence and its numbers (units in their names)."""

    text: str
    values: dict[str, float] = Field(default_factory=dict)


class BothSides(_Part):
    """What is said of a fault on the wire and at the platform; None: nothing was measured there."""

    wire: Statement | None = None
    platform: Statement | None = None


class FaultResult(_Part):
    id: str
    name: str
    kind: str
    params: dict[str, float | str | bool]
    hit: tuple[str, ...] = ()
    injected_at: float | None
    healed_at: float | None
    expected: BothSides
    measured: BothSides
    measured_after: str
    effective: bool | None
    healed: bool
    healed_by: str | None


class FindingResult(_Part):
    cause: str
    summary: str
    confidence: float
    explained_by_fault: str | None
    evidence: tuple[EvidencePiece, ...]
    recommendation: str


class EvidenceResult(_Part):
    """`complete` None: nothing was collected (yet)."""

    complete: bool | None = None
    missing: tuple[EvidenceMissing, ...] = ()


class NotificationResult(_Part):
    channel: str
    what: str
    delivered: bool
    attempts: int
    error: str


class Result(_Part):
    """The shape of `result.json`. `verdict` and `exit_code` are None until they are certain."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    shape: int = Field(default=SCHEMA, alias="schema")
    version: str
    run: str
    started_at: str
    runbook: str
    target: str
    inputs: dict[str, str]
    verdict: Verdict | None
    expect: Verdict
    exit_code: int | None
    reason: str
    phases: tuple[PhaseSpan, ...]
    service_levels: tuple[LevelResult, ...]
    load: LoadTotals
    faults: tuple[FaultResult, ...]
    stop: Halt | None
    time_to_recover_s: float | None
    findings: tuple[FindingResult, ...]
    evidence: EvidenceResult
    rollback: tuple[RollbackResult, ...]
    notifications: tuple[NotificationResult, ...]
    alerts: tuple[AlertResult, ...] = ()
    endpoints: tuple[EndpointResult, ...] = ()
    resources: tuple[ResourceResult, ...] = ()
    success_criteria: tuple[Criterion, ...] = ()
    compared_with: Comparison | None = None
    clocks: tuple[ClockResult, ...] = ()
    waived: tuple[WaivedRail, ...] = ()  # guard rails that objected


def build(view: JournalView) -> Result:
    """The result as far as the journal knows it."""
    started = run.started(view)
    ending = run.ending(view)
    recovered = view.last(Recovered)
    return Result(
        version=started.version,
        run=started.run,
        started_at=started.started_at,
        runbook=started.runbook,
        target=started.target,
        inputs=started.inputs,
        verdict=ending.verdict,
        expect=started.expect,
        exit_code=ending.exit_code,
        reason=ending.reason,
        phases=phase_span.spans(view),
        service_levels=tuple(_as(LevelResult, level) for level in view.of(LevelJudged)),
        load=load_totals.whole_run(view),
        endpoints=measured.endpoints(view),
        resources=measured.resources(view),
        success_criteria=success.criteria(view),
        faults=tuple(_fault(account) for account in begun(view)),
        stop=halt.build(view),
        time_to_recover_s=recovered.time_to_recover_s if recovered else None,
        findings=tuple(_as(FindingResult, finding) for finding in view.of(FindingNamed)),
        evidence=_as(EvidenceResult, view.last(EvidenceCollected)),
        rollback=rollback.results(view),
        notifications=tuple(_as(NotificationResult, message) for message in view.of(Notified)),
        compared_with=compared.comparison if (compared := view.last(Compared)) else None,
        alerts=tuple(_as(AlertResult, alert) for alert in view.of(AlertSeen)),
        clocks=tuple(_as(ClockResult, offset) for offset in view.of(ClockOffset)),
        waived=waived(view),
    )


def write(run_folder: Path, result: Result) -> None:
    """Put `result.json` in place. Raises OSError."""
    whole_file.write(run_folder / FILE, result.model_dump_json(indent=2) + "\n")


def _fault(account: FaultAccount) -> FaultResult:
    return FaultResult(
        id=account.id,
        name=account.name,
        kind=account.kind,
        params=account.params,
        hit=account.hit,
        injected_at=account.injected_at,
        healed_at=account.healed_at,
        expected=BothSides(wire=_expected(account.wire), platform=_expected(account.platform)),
        measured=BothSides(wire=_measured(account.wire), platform=_measured(account.platform)),
        measured_after=account.healing.measured_after if account.healing else "",
        effective=account.effective,
        healed=account.healed,
        healed_by=account.healing.by if account.healing and account.healed else None,
    )


def _expected(proof: Proof | None) -> Statement | None:
    return Statement(text=proof.expected) if proof else None


def _measured(proof: Proof | None) -> Statement | None:
    return Statement(text=proof.measured, values=proof.values) if proof else None


def _as(shape: type[_P], record: BaseModel | None) -> _P:
    """The fields of a record that the shape has; `None` gives the shape's defaults."""
    values: dict[str, Any] = {} if record is None else {name: getattr(record, name) for name in shape.model_fields}
    return shape(**values)
