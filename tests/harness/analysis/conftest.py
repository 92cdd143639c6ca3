"""Run folders as a game day leaves them: a journal, collected logs, the frozen readings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.analysis.rules import analyse
from harness.journal.histogram import bucket_of
from harness.journal.reader import JournalView, read
from harness.journal.record import (
    Breach,
    EvidenceCollected,
    EvidenceFile,
    FailureKind,
    FaultHealed,
    FaultInjected,
    FindingNamed,
    PhaseEnded,
    PhaseStarted,
    Readings,
    Record,
    RequestStats,
    RunStarted,
    Window,
)

STARTED_AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BASELINE_S, FAULTS_S, RECOVERY_S = 10.0, 25.0, 60.0
POOL = 10


@dataclass
class Run:
    """A run that is written step by step; times in seconds since its start."""

    folder: Path
    records: list[Record] = field(default_factory=list)
    files: list[EvidenceFile] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records += [
            RunStarted(
                t=0.1,
                run="r1",
                version="0",
                started_at=STARTED_AT.isoformat(),
                runbook="drill",
                runbook_path="r.yaml",
                hypothesis="",
                expect="stopped",
                target="practice",
                target_path="t.yaml",
                environment="practice",
                base_url="http://127.0.0.1:1",
                databases={"main": "postgres"},
                caches={"main": "redis"},
            ),
            PhaseStarted(t=BASELINE_S, name="baseline"),
            PhaseEnded(t=FAULTS_S, name="baseline"),
            PhaseStarted(t=FAULTS_S, name="faults"),
            PhaseEnded(t=RECOVERY_S, name="faults"),
        ]

    def load(
        self, since_s: float, until_s: float, *, failed: int = 0, latency_ms: float = 20, kind: FailureKind = "http"
    ) -> Run:
        for i in range(round((until_s - since_s) * 4)):
            start = since_s + i * 0.25
            stats = RequestStats(
                requests=12, failures={kind: failed} if failed else {}, histogram={bucket_of(latency_ms): 12}
            )
            self.records.append(
                Window(t=start + 0.25, start=start, end=start + 0.25, names={"GET /api/v1/apps/": stats}, users=100)
            )
        return self

    def database(self, since_s: float, until_s: float, connections: float = POOL, **values: float) -> Run:
        seen = {
            "connections": connections,
            "active": 0.0,
            "idle": connections,
            "blocked": 0.0,
            "max_connections": 100.0,
        }
        return self.reading("database.main", since_s, until_s, **(seen | values))

    def reading(self, source: str, since_s: float, until_s: float, **values: float) -> Run:
        for i in range(round(until_s - since_s)):
            self.records.append(Readings(t=since_s + i + 0.3, source=source, values=values))
        return self

    def fault(
        self,
        kind: str,
        since_s: float,
        until_s: float,
        *,
        proxy: str = "postgres",
        database: str = "",
        fault_id: str = "f1",
    ) -> Run:
        name = f"the {kind}"
        self.records.append(
            FaultInjected(t=since_s, fault_id=fault_id, name=name, fault_kind=kind, proxy=proxy, database=database)
        )
        self.records.append(FaultHealed(t=until_s, fault_id=fault_id, by="conductor"))
        return self

    def breach(self, at_s: float, since_s: float) -> Run:
        self.records.append(
            Breach(
                t=at_s,
                condition="error_rate",
                source="all",
                text="20 of 21 requests failed",
                breach_at=at_s,
                values={"first_suspicious_s": since_s},
            )
        )
        return self

    def log(
        self, at_s: float, text: str, *, times: int = 1, name: str = "application.log", source: str = "app-1"
    ) -> Run:
        """Lines as Python's logging writes them, in a host's own time zone (two hours ahead)."""
        at = STARTED_AT + timedelta(seconds=at_s, hours=2)
        stamp = at.strftime("%Y-%m-%d %H:%M:%S,") + f"{at.microsecond // 1000:03d}"
        return self.line(f"{stamp} ERROR crowdfund: {text}", times=times, name=name, source=source)

    def line(self, text: str, *, times: int = 1, name: str = "application.log", source: str = "app-1") -> Run:
        path = f"evidence/{source}/{name}"
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("a") as file:
            file.write(f"{text}\n" * times)
        if all(f.path != path for f in self.files):
            self.files.append(EvidenceFile(path=path, source=source, what=f"/var/log/{name}"))
        return self

    def tables(self) -> Run:
        """The frozen readings and windows, as CSV."""
        evidence = self.folder / "evidence"
        evidence.mkdir(exist_ok=True)
        rows = ["time_s,source,name,value"]
        for r in sorted((r for r in self.records if isinstance(r, Readings)), key=lambda r: r.t):
            rows += [f"{r.t},{r.source},{name},{value}" for name, value in r.values.items()]
        (evidence / "readings.csv").write_text("\n".join(rows) + "\n")
        rows = ["time_s,name,requests,http,timeout,connection,application,p50_ms,p95_ms,in_flight,users"]
        for w in sorted((w for w in self.records if isinstance(w, Window)), key=lambda w: w.t):
            for name, stats in w.names.items():
                rows.append(f"{w.end},{name},{stats.requests},{stats.failures.get('http', 0)},0,0,0,20,20,1,100")
        (evidence / "windows.csv").write_text("\n".join(rows) + "\n")
        return self

    def view(self) -> JournalView:
        """Written to disk and read again."""
        if self.files:
            self.records.append(EvidenceCollected(t=RECOVERY_S, complete=True, files=tuple(self.files)))
        journal = self.folder / "journal"
        journal.mkdir(exist_ok=True)
        lines = [
            json.dumps(r.model_dump(mode="json"), separators=(",", ":"))
            for r in sorted(self.records, key=lambda r: r.t)
        ]
        (journal / "conductor.jsonl").write_text("\n".join(lines) + "\n")
        return read(self.folder)

    def findings(self) -> tuple[FindingNamed, ...]:
        return analyse(self.view(), self.folder)

    def quoted(self, finding: FindingNamed) -> list[str]:
        """The lines that the evidence points to: each must be there to be opened."""
        lines = []
        for piece in finding.evidence:
            text = (self.folder / piece.path).read_text().splitlines()
            assert piece.line is not None
            lines.append(text[piece.line - 1])
        return lines


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)
