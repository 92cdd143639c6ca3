"""What the journal can hold: frozen values, one class per kind. They are also the messages in the conductor's inbox.

Every time in a record is in seconds since the start of the run (`Clock.now_s`), unless its name says otherwise;
rates and shares are fractions; units are in the names. `t` is the moment the record was made.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.journal.base import Record
from harness.journal.bound_record import LoadKeptIn, RailWaived
from harness.journal.chain_record import FileHash, JournalHead
from harness.journal.clock_record import ClockOffset
from harness.journal.comparison import Comparison
from harness.journal.evidence_record import (
    AccessCount,
    EvidenceCollected,
    EvidenceFile,
    EvidenceMissing,
    EvidencePiece,
    FindingNamed,
    LogCounted,
    LogKindCount,
)
from harness.journal.lease_record import LeaseKept
from harness.journal.plan import PlannedFault, PlannedLevel, PlannedRollback
from harness.journal.seen import (
    FAILURE_KINDS,
    AlertSeen,
    CacheWork,
    CrashSeen,
    DatabaseDescribed,
    DatabaseWork,
    FailureKind,
    Gap,
    LockWaits,
    Readings,
    RequestStats,
    Window,
)
from harness.journal.start_record import PhaseName, RunStarted, Verdict

__all__ = [
    "FAILURE_KINDS",
    "AccessCount",
    "AlertSeen",
    "AnyRecord",
    "Breach",
    "CacheWork",
    "ClockOffset",
    "Compared",
    "CrashSeen",
    "DatabaseDescribed",
    "DatabaseWork",
    "EvidenceCollected",
    "EvidenceFile",
    "EvidenceMissing",
    "EvidencePiece",
    "FailureKind",
    "FaultHealed",
    "FaultInjected",
    "FileHash",
    "FindingNamed",
    "Gap",
    "HealFailed",
    "InjectionFailed",
    "JournalHead",
    "LeaseKept",
    "LevelJudged",
    "LoadEnded",
    "LoadKeptIn",
    "LoadProcessLost",
    "LoadSteered",
    "LoadStopped",
    "LockWaits",
    "LogCounted",
    "LogKindCount",
    "Note",
    "Notified",
    "PhaseEnded",
    "PhaseName",
    "PhaseStarted",
    "PlannedFault",
    "PlannedLevel",
    "PlannedRollback",
    "Proof",
    "RailWaived",
    "Readings",
    "Record",
    "Recovered",
    "RequestStats",
    "RollbackRan",
    "RollbackStarted",
    "RunStarted",
    "StopDecided",
    "StopSource",
    "UndoWritten",
    "Verdict",
    "VerdictReached",
    "Window",
]

StopSource = Literal["condition", "person", "signal", "slack", "error", "guard-rail"]


class PhaseStarted(Record):
    kind: Literal["phase-started"] = "phase-started"
    name: PhaseName


class PhaseEnded(Record):
    kind: Literal["phase-ended"] = "phase-ended"
    name: PhaseName


class UndoWritten(Record):
    """The undo record of a fault, on disk before the fault is. `undo` is `faults.undo.UndoRecord` as JSON.

    A process of ours that must not outlive us (the load, a managed server) has one too, and so has our claim of the
    target; neither is a fault.
    """

    kind: Literal["undo"] = "undo"
    fault_id: str
    undo: dict[str, object]

    @property
    def of_process(self) -> bool:
        return self.undo.get("door") in ("process", "claim-cache", "claim-toxiproxy")


class FaultInjected(Record):
    kind: Literal["fault-injected"] = "fault-injected"
    fault_id: str
    name: str
    fault_kind: str
    proxy: str = ""
    database: str = ""  # where it sits on a database's server rather than on a proxy
    on: str = ""  # what it sits on: "proxy", "database", "cache", "container", "host" or "platform"
    place: str = ""
    params: dict[str, float | str | bool] = Field(default_factory=dict)
    until: float = 0.0
    hit: tuple[str, ...] = ()  # by name, what it acts on, where `place` can mean several


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
    by: Literal["conductor", "healer", "heal", "preflight", "keeper"]
    rung: str = ""
    measured_after: str = ""
    verified: bool | None = None
    note: str = ""  # what was changed beyond taking the fault off, such as a replaced proxy
    command: str = ""  # what a person types where the wire is not back


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
    by_person: bool = False  # somebody pressed Stop on Locust's own web page


class LoadProcessLost(Record):
    """One of several load processes died; nobody replaces its users. `left`: how many processes still make requests."""

    kind: Literal["load-process-lost"] = "load-process-lost"
    pid: int
    left: int


class LoadSteered(Record):
    """Somebody changed the number of users on Locust's own web page; `users` is what is wanted since."""

    kind: Literal["load-steered"] = "load-steered"
    users: int


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
    about: Literal["", "invariant", "crash", "alert"] = ""  # "": requests or a reading


class Recovered(Record):
    """`time_to_recover_s` until all levels hold again; None: not within the recovery phase."""

    kind: Literal["recovered"] = "recovered"
    time_to_recover_s: float | None


class Notified(Record):
    kind: Literal["notified"] = "notified"
    channel: str
    what: str  # "halt" or "summary"
    delivered: bool
    attempts: int = 0
    error: str = ""


class Compared(Record):
    """This run beside the one that it repeats."""

    kind: Literal["compared"] = "compared"
    comparison: Comparison


class RollbackStarted(Record):
    """Steps of the rollback plan begin, by their numbers from 1. `by`: who asked, "the runbook" when nobody had to."""

    kind: Literal["rollback-started"] = "rollback-started"
    by: str
    steps: tuple[int, ...]


class RollbackRan(Record):
    """A step of the rollback plan ran, or could not. `exit_code` None: it is not known, and `error` says why; `output`:
    what it wrote, a file inside the run folder."""

    kind: Literal["rollback-ran"] = "rollback-ran"
    step: int
    where: str
    run: str
    by: str
    exit_code: int | None = None
    seconds: float = 0.0
    error: str = ""
    output: str = ""

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.error


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
    | CrashSeen
    | AlertSeen
    | DatabaseDescribed
    | DatabaseWork
    | LockWaits
    | CacheWork
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
    | LoadProcessLost
    | LoadSteered
    | LoadKeptIn
    | RailWaived
    | LevelJudged
    | Recovered
    | EvidenceCollected
    | LogCounted
    | FindingNamed
    | Notified
    | Compared
    | RollbackStarted
    | RollbackRan
    | LeaseKept
    | ClockOffset
    | JournalHead
    | Note
    | VerdictReached,
    Field(discriminator="kind"),
]
