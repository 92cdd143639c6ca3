"""The last look at a database's sessions, from its evidence: who holds them, and for how long they have been idle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.analysis.case import Case
from harness.journal.record import EvidenceCollected, EvidencePiece

OLD_S = 5.0
"""An idle session of so many seconds is not just between two statements."""


@dataclass(frozen=True, slots=True)
class SessionTable:
    """`old` of `idle` sessions have been idle for 5 s and more, the `oldest_s` longest; `who` holds most of them."""

    path: str
    line: int
    idle: int
    old: int
    oldest_s: float
    who: str

    def piece(self) -> EvidencePiece:
        held = f", most of them by {self.who}" if self.who else ""
        text = f"{self.old} of {self.idle} idle sessions have been idle for {OLD_S:g} s and more{held}"
        return EvidencePiece(text=text, path=self.path, line=self.line)


def session_table(case: Case, source: str) -> SessionTable | None:
    """That of a database ("database.main"); None where its sessions were not collected."""
    collected = case.view.last(EvidenceCollected)
    paths = [f.path for f in collected.files if f.source == source] if collected is not None else []
    root = case.run_folder.resolve()
    for path in paths:
        file = (root / path).resolve()
        if file.is_relative_to(root) and file.suffix == ".jsonl" and file.is_file():
            return _read(file, path)
    return None


class _Row(BaseModel):
    """A line of `harness.monitor.session_log`."""

    model_config = ConfigDict(extra="ignore")

    t: float
    state: str
    state_age_s: float | None = None
    application_name: str = ""
    role: str = ""


def _read(file: Path, path: str) -> SessionTable | None:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [(number, row) for number, line in enumerate(lines, start=1) if (row := _row(line)) is not None]
    newest = max((row.t for _, row in rows), default=0.0)
    idle = [(number, row) for number, row in rows if row.t == newest and row.state == "idle"]
    old = [(number, row, row.state_age_s) for number, row in idle if row.state_age_s and row.state_age_s >= OLD_S]
    if not old:
        return None
    return SessionTable(
        path=path,
        line=old[0][0],
        idle=len(idle),
        old=len(old),
        oldest_s=max(age_s for _, _, age_s in old),
        who=Counter(row.application_name or row.role for _, row, _ in old).most_common(1)[0][0],
    )


def _row(line: str) -> _Row | None:
    try:
        return _Row.model_validate_json(line)
    except ValidationError:
        return None
