"""One run as the rules look at it: its trouble beside its baseline, worked out once."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.analysis.evidence_table import Table
from harness.analysis.logs import Hits, Logs, collected_logs
from harness.analysis.span import FaultSpan, Span, fault_spans, phase_span
from harness.analysis.tally import Tally, tally
from harness.analysis.trouble import Trouble, find_trouble
from harness.journal.reader import JournalView
from harness.journal.record import (
    FAILURE_KINDS,
    Breach,
    EvidencePiece,
    FailureKind,
    Gap,
    LevelJudged,
    Readings,
    Record,
    RunStarted,
    Window,
)
from harness.journal.request_glob import ALL

_NO_HOSTS = ("database.", "cache.", "container.")
_QUOTED = 220
_ON_LATENCY = frozenset({"p50", "p95", "p99", "stall"})  # stop conditions that say themselves that requests suffer


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of one reading over a stretch, in order of time; at least one."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def last(self) -> float:
        return self.values[-1]

    @property
    def lowest(self) -> float:
        return min(self.values)

    @property
    def highest(self) -> float:
        return max(self.values)


class Case:
    """What a rule needs. Build it with `open_case`."""

    def __init__(self, view: JournalView, run_folder: Path, trouble: Trouble) -> None:
        self.view = view
        self.run_folder = run_folder
        self.breach: Breach | None = trouble.breach
        self.trouble = trouble.span
        self.quiet = trouble.quiet
        self.faults: Sequence[FaultSpan] = trouble.faults
        self._logs_until = trouble.logs_until

    @cached_property
    def baseline(self) -> Span:
        """The baseline phase; where there was none, what came before the first fault or the trouble."""
        played = phase_span(self.view, "baseline")
        if played is not None and played.start < self.trouble.start:
            return Span(played.start, min(played.end, self.trouble.start))
        first = min((f.injected_at for f in fault_spans(self.view)), default=self.trouble.start)
        return Span(0.0, min(first, self.trouble.start))

    @cached_property
    def databases(self) -> dict[str, str]:
        """Name -> the proxy it is reached through, or ""."""
        started = self.view.first(RunStarted)
        planned = dict(started.databases) if started is not None else {}
        return planned or dict.fromkeys(self._sources("database."), "")

    @cached_property
    def caches(self) -> dict[str, str]:
        started = self.view.first(RunStarted)
        planned = dict(started.caches) if started is not None else {}
        return planned or dict.fromkeys(self._sources("cache."), "")

    @cached_property
    def before(self) -> Tally:
        """All requests of the baseline."""
        return tally(ALL, self.baseline.windows(self.windows))

    @cached_property
    def during(self) -> Tally:
        """All requests of the trouble."""
        return tally(ALL, self.trouble.windows(self.windows))

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        return self.view.of(Window)

    def failures(self, kind: FailureKind) -> int:
        """How many requests failed in that way in the trouble."""
        inside = self.trouble.windows(self.windows)
        return sum(stats.failures.get(kind, 0) for w in inside for stats in w.names.values())

    @property
    def suffers(self) -> bool:
        """Requests fail, or miss a service level, or take much longer than in the baseline."""
        if self.missed_requests:
            return True
        if self.during.failed or (self.breach is not None and self.breach.condition in _ON_LATENCY):
            return True
        before, during = self.before.p95_ms, self.during.p95_ms
        return during is None or (before is not None and during > 2 * before)

    @cached_property
    def missed_requests(self) -> bool:
        """A service level on requests was missed in a phase that overlaps the trouble."""
        spans = {j.phase: phase_span(self.view, j.phase) for j in self.view.of(LevelJudged) if _on_requests_missed(j)}
        return any(span is not None and span.overlaps(self.trouble) for span in spans.values())

    def sample_before(self, source: str, name: str) -> Sample | None:
        return self._sample(self.baseline, source, name)

    def sample_during(self, source: str, name: str) -> Sample | None:
        return self._sample(self.trouble, source, name)

    def host_cpu(self) -> float | None:
        """The busiest host's mean share of CPU in the trouble; None where no host was read."""
        hosts = {r.source for r in self.view.of(Readings) if not r.source.startswith(_NO_HOSTS)}
        samples = [sample for host in hosts if (sample := self.sample_during(host, "cpu")) is not None]
        return max((s.mean for s in samples), default=None)

    def gaps(self, source: str) -> int:
        """How many readings of a source failed in the trouble."""
        return sum(1 for g in self.view.of(Gap) if g.source == source and self.trouble.start <= g.t <= self._logs_until)

    def find(self, signature: str) -> Hits:
        """The log lines of the trouble that match the regular expression."""
        return self._logs.search(signature, self.trouble.start, self._logs_until)

    def fault_on(self, kinds: Sequence[str], proxies: Sequence[str]) -> FaultSpan | None:
        """A fault of the trouble on one of the proxies; the kind named first is preferred."""
        fitting = [f for f in self.faults if f.kind in kinds and f.proxy in proxies]
        return min(fitting, key=lambda f: kinds.index(f.kind), default=None)

    def fault_in(self, kinds: Sequence[str], database: str) -> FaultSpan | None:
        """A fault of the trouble on the database itself."""
        return next((f for f in self.faults if f.kind in kinds and f.database == database), None)

    def fault_at(self, kinds: Sequence[str], cache: str) -> FaultSpan | None:
        """A fault of the trouble on the cache itself."""
        return next((f for f in self.faults if f.kind in kinds and f.cache == cache), None)

    def log_piece(self, hits: Hits, what: str, telling: Sequence[str] = ()) -> EvidencePiece | None:
        """A quoted log line, one with the first word of `telling` that any has; None where there was no hit."""
        line = next((x for word in telling for x in hits.lines if word in x.text), hits.first)
        if line is None:
            return None
        quoted = line.text.strip()
        quoted = quoted if len(quoted) <= _QUOTED else quoted[: _QUOTED - 1] + "…"
        lines = "line" if hits.count == 1 else "lines"
        return EvidencePiece(text=f"{hits.count} log {lines} {what}: {quoted}", path=line.path, line=line.number)

    def reading_piece(self, source: str, name: str, text: str) -> EvidencePiece | None:
        """The last reading of the trouble, in the table of readings or in the journal."""
        row = self._readings_table.last(
            self.trouble.start, self.trouble.end, lambda r: r.cells.get("source") == source and r.cells["name"] == name
        )
        if row is not None:
            return EvidencePiece(text=text, path=self._readings_table.path, line=row.line)
        inside = [r for r in self.trouble.readings(self.view.of(Readings)) if r.source == source and name in r.values]
        return self.record_piece(inside[-1], text) if inside else None

    def window_piece(self, text: str) -> EvidencePiece | None:
        """The worst window of the trouble, in the table of windows or in the journal."""
        row = self._windows_table.worst(self.trouble.start, self.trouble.end)
        if row is not None:
            return EvidencePiece(text=text, path=self._windows_table.path, line=row.line)
        inside = self.trouble.windows(self.windows)
        worst = max(inside, key=lambda w: (w.failed + w.task_errors, w.requests), default=None)
        return self.record_piece(worst, text) if worst is not None else None

    def failure_text(self) -> str:
        """How the requests fared in the trouble, in numbers."""
        span, seen = self.trouble, self.during
        kinds = [f"{n} {kind}" for kind in FAILURE_KINDS if (n := self.failures(kind))]
        told = f" ({', '.join(kinds)})" if kinds else ""
        p95 = f", p95 {seen.p95_ms:.0f} ms" if seen.p95_ms is not None else ""
        before = f", {self.before.p95_ms:.0f} ms in the baseline" if p95 and self.before.p95_ms is not None else ""
        return (
            f"{seen.failed} of {seen.requests} requests failed{told} "
            f"from {span.start:.1f} s to {span.end:.1f} s{p95}{before}"
        )

    def verdict_piece(self) -> EvidencePiece | None:
        """The breach, or the first level that was missed, in the journal."""
        if self.breach is not None:
            return self.record_piece(self.breach, self.breach.text)
        missed = next((j for j in self.view.of(LevelJudged) if j.met is False), None)
        return self.record_piece(missed, missed.text) if missed is not None else None

    def record_piece(self, record: Record, text: str) -> EvidencePiece | None:
        """The line of a record in the journal; None where it is not on disk."""
        kind = record.model_dump(include={"kind"})["kind"]
        for segment in sorted((self.run_folder / "journal").glob("*.jsonl")):
            with segment.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    if f'"kind":"{kind}"' in line and _made_at(line) == round(record.t, 6):
                        path = segment.relative_to(self.run_folder).as_posix()
                        return EvidencePiece(text=text, path=path, line=number)
        return None

    @cached_property
    def _logs(self) -> Logs:
        return collected_logs(self.view, self.run_folder)

    @cached_property
    def _readings_table(self) -> Table:
        return Table(self.run_folder, "evidence/readings.csv")

    @cached_property
    def _windows_table(self) -> Table:
        return Table(self.run_folder, "evidence/windows.csv")

    def _sample(self, span: Span, source: str, name: str) -> Sample | None:
        found = (r for r in span.readings(self.view.of(Readings)) if r.source == source)
        values = tuple(r.values[name] for r in found if name in r.values)
        return Sample(values) if values else None

    def _sources(self, prefix: str) -> tuple[str, ...]:
        sources = {r.source for r in self.view.of(Readings) if r.source.startswith(prefix)}
        return tuple(sorted(s.removeprefix(prefix) for s in sources))


def open_case(view: JournalView, run_folder: Path) -> Case | None:
    """The case of a run; None where nothing was measured."""
    trouble = find_trouble(view)
    return Case(view, run_folder, trouble) if trouble is not None else None


def _on_requests_missed(judged: LevelJudged) -> bool:
    return judged.met is False and (judged.p95_ms is not None or judged.error_rate is not None)


def _made_at(line: str) -> float | None:
    try:
        made = json.loads(line)
    except ValueError:
        return None
    return round(float(made.get("t", -1.0)), 6) if isinstance(made, dict) else None
