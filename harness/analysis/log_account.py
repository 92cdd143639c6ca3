"""What the collected logs say, file by file: requests by status and time, other lines by kind, before the baseline's
end and after it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.analysis.access_line import AccessLine, read_access_line
from harness.analysis.log_kind import LogKind, kind_of
from harness.analysis.logs import LogLine, collected_logs
from harness.analysis.span import Span, phase_span
from harness.journal.reader import JournalView
from harness.journal.record import AccessCount, EvidenceCollected, EvidenceFile, LogCounted, LogKindCount, Window

KEPT_KINDS = 12
KEPT_FAILING = 5
_ID = re.compile(r"/(?:\d+|(?=[^/]*\d)[^/]{4,})(?=/|$)")  # of a path: a number, or a word with digits in it
_MOST_KINDS = 2000  # a log that never says the same twice is not remembered whole


@dataclass(slots=True)
class _Access:
    """Requests of one stretch, as they are read."""

    statuses: Counter[str] = field(default_factory=Counter)
    failing: Counter[str] = field(default_factory=Counter)
    request_s: list[float] = field(default_factory=list)
    upstream_s: list[float] = field(default_factory=list)

    def add(self, line: AccessLine) -> None:
        self.statuses[f"{line.status // 100}xx"] += 1
        if line.status >= 400:
            self.failing[f"{line.method} {_ID.sub('/…', line.path)} {line.status}"] += 1
        if line.request_s is not None:
            self.request_s.append(line.request_s)
        if line.upstream_s is not None:
            self.upstream_s.append(line.upstream_s)

    def count(self) -> AccessCount:
        return AccessCount(
            requests=self.statuses.total(),
            statuses=dict(sorted(self.statuses.items())),
            request_p95_ms=_p95_ms(self.request_s),
            upstream_p95_ms=_p95_ms(self.upstream_s),
            failing=dict(self.failing.most_common(KEPT_FAILING)),
        )


@dataclass(slots=True)
class _Kind:
    first: LogLine
    before: int = 0
    after: int = 0
    after_first: LogLine | None = None


def count_logs(view: JournalView, run_folder: Path) -> Iterator[LogCounted]:
    """One record for each collected log file that holds a line, in the order of the evidence."""
    collected = view.last(EvidenceCollected)
    windows = view.of(Window)
    if collected is None or not windows:
        return
    turn_s = _baseline_end_s(view)
    span = Span(min(0.0, turn_s), max(windows[-1].end, turn_s))
    logs = collected_logs(view, run_folder)
    for file in logs.files:
        counted = _count(file, logs.lines(file), turn_s, span)
        if counted is not None:
            yield counted


def _baseline_end_s(view: JournalView) -> float:
    """Where "before" ends: at the faults; in a run without any, at the end of the warm-up."""
    faults, baseline = phase_span(view, "faults"), phase_span(view, "baseline")
    return faults.start if faults is not None else baseline.start if baseline is not None else 0.0


def _count(file: EvidenceFile, lines: Iterator[LogLine], turn_s: float, span: Span) -> LogCounted | None:
    total = unplaced = 0
    access = (_Access(), _Access())
    kinds: dict[LogKind, _Kind] = {}
    for line in lines:
        total += 1
        unplaced += line.at_s is None
        after = line.at_s is None or line.at_s >= turn_s
        answered = read_access_line(line.text)
        if answered is not None:
            access[after].add(answered)
        else:
            _add(kinds, line, after=after)
    if not total:
        return None
    seen = any(part.statuses for part in access)
    return LogCounted(
        path=file.path,
        source=file.source,
        lines=total,
        unplaced=unplaced,
        before_s=round(turn_s - span.start, 3),
        after_s=round(span.end - turn_s, 3),
        access_before=access[0].count() if seen else None,
        access_after=access[1].count() if seen else None,
        kinds=_ranked(kinds, turn_s - span.start, span.end - turn_s),
    )


def _add(kinds: dict[LogKind, _Kind], line: LogLine, *, after: bool) -> None:
    kind = kind_of(line.text)
    if kind is None or (kind not in kinds and len(kinds) >= _MOST_KINDS):
        return
    entry = kinds.setdefault(kind, _Kind(first=line))
    if after:
        entry.after += 1
        entry.after_first = entry.after_first or line
    else:
        entry.before += 1


def _ranked(kinds: dict[LogKind, _Kind], before_s: float, after_s: float) -> tuple[LogKindCount, ...]:
    """New ones first, errors before warnings before the rest; then those whose rate grew most."""

    def rank(item: tuple[LogKind, _Kind]) -> tuple[bool, int, float]:
        kind, seen = item
        is_new = seen.before == 0 and seen.after > 0
        growth = seen.after / max(after_s, 1.0) - seen.before / max(before_s, 1.0)
        return (not is_new, ("error", "warning", "info").index(kind.severity), -growth)

    return tuple(
        LogKindCount(
            severity=kind.severity,
            text=kind.text,
            before=seen.before,
            after=seen.after,
            path=(seen.after_first or seen.first).path,
            line=(seen.after_first or seen.first).number,
        )
        for kind, seen in sorted(kinds.items(), key=rank)[:KEPT_KINDS]
    )


def _p95_ms(times_s: list[float]) -> float | None:
    if not times_s:
        return None
    ordered = sorted(times_s)
    return round(1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3)
