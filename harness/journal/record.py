"""What the journal can hold: frozen values, one class per kind. They are also the messages in the conductor's inbox.

Every time in a record is in seconds since the start of the run (`Clock.now_s`), unless its name says otherwise;
rates and shares are fractions; units are in the names. `t` is the moment the record was made.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.journal.plan import PlannedFault, PlannedLevel, PlannedRollback

FailureKind = Literal["http", "timeout", "connection", "application"]
FAILURE_KINDS: tuple[FailureKind, ...] = ("http", "timeout", "connection", "application")
PhaseName = Literal["warm-up", "baseline", "faults", "recovery"]
Verdict = Literal["held", "invalid", "deviated", "stopped", "not-healed", "refused", "error"]
StopSource = Literal["condition", "person", "signal", "slack", "error"]


class Record(BaseModel):
    """The base of all records."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    t: float = 0.0


class RequestStats(BaseModel):
    """One request name in one window. `failures` are counted in `requests` too; `histogram` holds every
    completed request, failed ones included (buckets of `harness.journal.histogram`)."""

    model_config = ConfigDict(frozen=True)

    requests: int = 0
    failures: dict[FailureKind, int] = Field(default_factory=dict)
    histogram: dict[int, int] = Field(default_factory=dict)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


class Window(Record):
    """At most 250 ms of load: [start, end), all load processes merged. `names` is keyed by "METHOD name"."""

    kind: Literal["window"] = "window"
    start: float
    end: float
    names: dict[str, RequestStats] = Field(default_factory=dict)
    users: int = 0
    in_flight: int = 0
    oldest_in_flight_s: float = 0.0
    task_errors: int = 0
    lag_ms: float = 0.0
    cpu: float = 0.0  # of one core, the busiest load process
    processes: int = 1

    @property
    def requests(self) -> int:
        return sum(s.requests for s in self.names.values())

    @property
    def failed(self) -> int:
        return sum(s.failed for s in self.names.values())


class Readings(Record):
    """Values of one source at one time: source "app-1" with {"cpu": 0.42} is the reading `app-1.cpu`.

    Sources: a host by its name, a database as `database.<name>`, a cache as `cache.<name>`.
    """

    kind: Literal["readings"] = "readings"
    source: str
    values: dict[str, float]


class Gap(Record):
    """A reading, a window or a proof that could not be had, and why. Unknown is not success."""

    kind: Literal["gap"] = "gap"
    source: str
    reason: str


class RunStarted(Record):
    """The run and its plan, all that a report needs to know of the inputs. No secrets."""

    kind: Literal["run-started"] = "run-started"
    run: str
    version: str
    started_at: str  # UTC, ISO 8601
    runbook: str  # its title
    runbook_path: str
    hypothesis: str
    expect: Verdict
    target: str  # its name
    target_path: str
    environment: str
    base_url: str
    inputs: dict[str, str] = Field(default_factory=dict)  # file name -> sha256
    pid: int = 0
    locustfile: str = ""
    tags: tuple[str, ...] = ()
    users: int | None = None
    spawn_rate: float | None = None
    phases_s: dict[PhaseName, float] = Field(default_factory=dict)
    recover_within_s: float = 0.0
    service_levels: tuple[PlannedLevel, ...] = ()
    faults: tuple[PlannedFault, ...] = ()
    stop_when: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    rollback: tuple[PlannedRollback, ...] = ()
    slack_channel: str = ""
    databases: dict[str, str] = Field(default_factory=dict)  # name -> the proxy it is reached through, or ""
    caches: dict[str, str] = Field(default_factory=dict)
    rerun: str = ""  # the command that plays the same again


class PhaseStarted(Record):
    kind: Literal["phase-started"] = "phase-started"
    name: PhaseName


class PhaseEnded(Record):
    kind: Literal["phase-ended"] = "phase-ended"
    name: PhaseName


class UndoWritten(Record):
    """The undo record of a fault, on disk before the fault is. `undo` is `faults.undo.UndoRecord` as JSON.

    A process of ours that must not outlive us (the load, a managed server) has one too, and is no fault.
    """

    kind: Literal["undo"] = "undo"
    fault_id: str
    undo: dict[str, object]

    @property
    def of_process(self) -> bool:
        return self.undo.get("door") == "process"


class FaultInjected(Record):
    kind: Literal["fault-injected"] = "fault-injected"
    fault_id: str
    name: str
    fault_kind: str
    proxy: str = ""
    params: dict[str, float | str | bool] = Field(default_factory=dict)
    until: float = 0.0


class InjectionFailed(Record):
    """The fault did not get in (refused by the server, say); what was begun has been taken back."""

    kind: Literal["injection-failed"] = "injection-failed"
    fault_id: str
    reason: str


class Proof(Record):
    """One of a fault's two proofs. `effective` is None only where a halt came first."""

    kind: Literal["proof"] = "proof"
    fault_id: str
    side: Literal["wire", "platform"]
    expected: str
    measured: str
    values: dict[str, float] = Field(default_factory=dict)
    effective: bool | None


class FaultHealed(Record):
    """A fault is off. `verified`: the wire was measured again and is back; None: it could not be measured
    (`measured_after` says why). `rung`: the rung of the recovery ladder that did it."""

    kind: Literal["fault-healed"] = "fault-healed"
    fault_id: str
    by: Literal["conductor", "healer", "heal", "preflight"]
    rung: str = ""
    measured_after: str = ""
    verified: bool | None = None
    note: str = ""  # what was changed beyond taking the fault off, such as a replaced proxy


class HealFailed(Record):
    kind: Literal["heal-failed"] = "heal-failed"
    fault_id: str
    by: Literal["conductor", "healer", "heal", "preflight"]
    reason: str
    command: str  # what a person types to heal it


class Breach(Record):
    """A stop condition became true. `breach_at` is the end of the window that made it so."""

    kind: Literal["breach"] = "breach"
    condition: str  # the condition's kind: error_rate, p95, stall, reading
    source: str  # what it looked at: "all", a request glob, a reading
    text: str  # on what evidence, one sentence with numbers
    detail: str = ""  # how the test came to it, for who wants to check
    breach_at: float
    values: dict[str, float] = Field(default_factory=dict)


class StopDecided(Record):
    """The first reason to end early; later ones are notes."""

    kind: Literal["stop"] = "stop"
    source: StopSource
    reason: str
    decided_at: float


class LoadStopped(Record):
    """No connection of the load is left. `how`: "asked" or "killed"."""

    kind: Literal["load-stopped"] = "load-stopped"
    at: float
    how: str
    in_flight: int = 0


class LoadEnded(Record):
    """Locust ended by itself. `detail` is the last of what it printed, behind the signal if one killed it (the exit
    code is minus its number then)."""

    kind: Literal["load-ended"] = "load-ended"
    exit_code: int
    detail: str = ""


class LevelJudged(Record):
    """A service level in one phase: met, not met or unknown (None)."""

    kind: Literal["level"] = "level"
    name: str
    phase: PhaseName
    value: float | None
    limit: float
    unit: str
    met: bool | None
    p95_ms: float | None = None
    error_rate: float | None = None
    requests: int = 0
    text: str = ""


class Recovered(Record):
    """`time_to_recover_s` until all levels hold again; None: not within the recovery phase."""

    kind: Literal["recovered"] = "recovered"
    time_to_recover_s: float | None


class EvidenceFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    path: str  # inside the run folder
    source: str  # the host, database or cache
    what: str  # the remote path or the command
    bytes: int = 0
    truncated: bool = False


class EvidenceMissing(BaseModel):
    model_config = ConfigDict(frozen=True)

    source: str
    what: str
    reason: str


class EvidenceCollected(Record):
    kind: Literal["evidence"] = "evidence"
    complete: bool
    files: tuple[EvidenceFile, ...] = ()
    missing: tuple[EvidenceMissing, ...] = ()


class EvidencePiece(BaseModel):
    """A piece of evidence that a person can open: `path` is a file inside the run folder, `line` from 1."""

    model_config = ConfigDict(frozen=True)

    text: str
    path: str
    line: int | None = None


class FindingNamed(Record):
    """A named bottleneck. `confidence` 0..1; `explained_by_fault`: the id of the injected fault that explains it."""

    kind: Literal["finding"] = "finding"
    cause: str
    summary: str
    confidence: float
    explained_by_fault: str | None = None
    evidence: tuple[EvidencePiece, ...] = ()
    recommendation: str = ""


class Notified(Record):
    kind: Literal["notified"] = "notified"
    channel: str
    what: str  # "halt" or "summary"
    delivered: bool
    attempts: int = 0
    error: str = ""


class Note(Record):
    """Anything else a person should see on the timeline."""

    kind: Literal["note"] = "note"
    level: Literal["info", "warning", "error"] = "info"
    text: str


class VerdictReached(Record):
    kind: Literal["verdict"] = "verdict"
    verdict: Verdict
    reason: str
    exit_code: int


AnyRecord = Annotated[
    Window
    | Readings
    | Gap
    | RunStarted
    | PhaseStarted
    | PhaseEnded
    | UndoWritten
    | FaultInjected
    | InjectionFailed
    | Proof
    | FaultHealed
    | HealFailed
    | Breach
    | StopDecided
    | LoadStopped
    | LoadEnded
    | LevelJudged
    | Recovered
    | EvidenceCollected
    | FindingNamed
    | Notified
    | Note
    | VerdictReached,
    Field(discriminator="kind"),
]
