"""Records of what was collected after the run, and of what the analysis made of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.journal.base import Record


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


class LogKindCount(BaseModel):
    """Lines that say the same but for their numbers, before and after the baseline ended."""

    model_config = ConfigDict(frozen=True)

    severity: Literal["error", "warning", "info"]
    text: str
    before: int
    after: int
    path: str  # an example that a person can open: inside the run folder, `line` from 1
    line: int

    @property
    def new(self) -> bool:
        return self.before == 0 and self.after > 0


class AccessCount(BaseModel):
    """The requests of an access log in one stretch. `statuses` by class: "2xx". Times are 95th percentiles in
    milliseconds, None where the log has none."""

    model_config = ConfigDict(frozen=True)

    requests: int = 0
    statuses: dict[str, int] = Field(default_factory=dict)
    request_p95_ms: float | None = None
    upstream_p95_ms: float | None = None
    failing: dict[str, int] = Field(default_factory=dict)  # "GET /path 502" -> how often, the most frequent ones


class LogCounted(Record):
    """A collected log file, understood: `kinds` with those that the baseline had not first, then what grew most.
    `unplaced`: lines whose time could not be told; they count as after the baseline."""

    kind: Literal["log-counted"] = "log-counted"
    path: str
    source: str
    lines: int
    unplaced: int = 0
    before_s: float = 0.0  # the length of the two stretches
    after_s: float = 0.0
    access_before: AccessCount | None = None
    access_after: AccessCount | None = None
    kinds: tuple[LogKindCount, ...] = ()


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
