"""The guide's results: each endpoint in numbers, and the resources, over all that was measured (not the warm-up)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict

from harness.journal import histogram
from harness.journal.reader import JournalView
from harness.journal.record import FAILURE_KINDS, FailureKind, LevelJudged, Readings, StopDecided, Window
from harness.report import format as say
from harness.report import level_label, phase_span, run

_DATABASE = ("connections",)
_CACHE = ("hits_per_s", "misses_per_s", "hit_rate")
_MACHINE = ("cpu", "busiest_thread", "memory")
_SHARES = (*_MACHINE, "hit_rate")


class EndpointResult(BaseModel):
    """One request name; times in ms, `rps` a second of what was measured, `error_rate` a fraction."""

    model_config = ConfigDict(frozen=True)

    name: str
    requests: int
    rps: float | None
    mean_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    error_rate: float | None
    failures: dict[FailureKind, int]


class ResourceResult(BaseModel):
    """One reading, such as app-1.cpu. `limit` and `met` where a service level looks at it; shares are fractions."""

    model_config = ConfigDict(frozen=True)

    name: str
    mean: float
    max: float
    limit: float | None = None
    met: bool | None = None

    @property
    def mean_text(self) -> str:
        return self._said(self.mean)

    @property
    def max_text(self) -> str:
        return self._said(self.max)

    @property
    def limit_text(self) -> str:
        return self._said(self.limit)

    def _said(self, value: float | None) -> str:
        return say.quantity(value, "fraction" if self.name.rpartition(".")[2] in _SHARES else "value")


def windows(view: JournalView) -> tuple[Window, ...]:
    """Those behind the warm-up and before the decision to stop; all, where the journal knows no phases."""
    start_s, end_s = _span(view)
    return tuple(w for w in view.of(Window) if w.start >= start_s - 1e-6 and w.start < end_s)


def endpoints(view: JournalView) -> tuple[EndpointResult, ...]:
    """Every request name, the busiest first."""
    measured = windows(view)
    length_s = measured[-1].end - measured[0].start if measured else 0.0
    names = dict.fromkeys(name for window in measured for name in window.names)
    found = [_endpoint(name, measured, length_s) for name in names]
    return tuple(sorted(found, key=lambda e: (-e.requests, e.name)))


def resources(view: JournalView) -> tuple[ResourceResult, ...]:
    """CPU and memory of hosts and containers, the databases' connections, the caches' hits and misses."""
    start_s, end_s = _span(view)
    values: dict[str, list[float]] = {}
    for reading in view.of(Readings):
        if start_s <= reading.t <= end_s:
            for name in _shown(reading.source):
                if name in reading.values:
                    values.setdefault(f"{reading.source}.{name}", []).append(reading.values[name])
    judged = dict(_judged(view))
    return tuple(_resource(name, seen, judged) for name, seen in sorted(values.items(), key=_order))


def _span(view: JournalView) -> tuple[float, float]:
    played = phase_span.spans(view)
    spans = [span for span in played if span.name != "warm-up"]
    if played and not spans:
        return 0.0, 0.0  # it ended in the warm-up
    stop = view.first(StopDecided)
    end_s = max((span.end if span.end is not None else 1e12 for span in spans), default=1e12)
    start_s = min((span.start for span in spans), default=0.0)
    return start_s, min(end_s, stop.decided_at) if stop is not None else end_s


def _endpoint(name: str, measured: Sequence[Window], length_s: float) -> EndpointResult:
    stats = [window.names[name] for window in measured if name in window.names]
    merged = histogram.merge(s.histogram for s in stats)
    requests = sum(s.requests for s in stats)
    failures = {kind: sum(s.failures.get(kind, 0) for s in stats) for kind in FAILURE_KINDS}
    return EndpointResult(
        name=name,
        requests=requests,
        rps=round(requests / length_s, 3) if length_s > 0 else None,
        mean_ms=_rounded(histogram.mean_ms(merged)),
        p95_ms=_rounded(histogram.percentile_ms(merged, 0.95)),
        max_ms=_rounded(histogram.percentile_ms(merged, 1.0)),
        error_rate=sum(failures.values()) / requests if requests else None,
        failures=failures,
    )


def _resource(name: str, seen: Sequence[float], judged: Mapping[str, LevelJudged]) -> ResourceResult:
    level = next((found for of, found in judged.items() if fnmatchcase(name, of)), None)
    return ResourceResult(
        name=name,
        mean=round(sum(seen) / len(seen), 4),
        max=round(max(seen), 4),
        limit=level.limit if level else None,
        met=level.met if level else None,
    )


def _judged(view: JournalView) -> Iterator[tuple[str, LevelJudged]]:
    """The levels on readings by the reading they look at; the last phase's counts."""
    started = run.started(view)
    for level in view.of(LevelJudged):
        plan = level_label.planned(started, level)
        if plan is not None and plan.unit == "value" and plan.of:
            yield plan.of, level


def _shown(source: str) -> tuple[str, ...]:
    kind = source.partition(".")[0]
    return _DATABASE if kind == "database" else _CACHE if kind == "cache" else _MACHINE


def _order(item: tuple[str, object]) -> tuple[int, str]:
    name = item[0]
    return (1 if name.startswith("database.") else 2 if name.startswith("cache.") else 0), name


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
