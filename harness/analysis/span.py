"""A stretch of the run, and which faults were on in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from harness.journal.reader import JournalView
from harness.journal.record import FaultHealed, FaultInjected, PhaseEnded, PhaseName, PhaseStarted, Readings, Window


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`, seconds since the start of the run."""

    start: float
    end: float

    def windows(self, windows: Iterable[Window]) -> tuple[Window, ...]:
        """The windows that lie in it; one that only begins or ends in it counts by its end."""
        return tuple(w for w in windows if self.start < w.end <= self.end + 1e-6)

    def readings(self, readings: Iterable[Readings]) -> tuple[Readings, ...]:
        return tuple(r for r in readings if self.start <= r.t <= self.end)

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """An injected fault and the time that it was on; `healed_at` is infinite where the journal has no healing."""

    id: str
    name: str
    kind: str
    proxy: str
    injected_at: float
    healed_at: float
    database: str = ""
    hit: tuple[str, ...] = ()
    cache: str = ""
    host: str = ""

    @property
    def where(self) -> str:
        """What it sits on, by its name."""
        return self.proxy or self.database or self.cache or self.host

    @property
    def span(self) -> Span:
        return Span(self.injected_at, self.healed_at)


def fault_spans(view: JournalView) -> tuple[FaultSpan, ...]:
    """The faults that got in, in the order of their injection."""
    healed: dict[str, float] = {}
    for record in view.of(FaultHealed):
        healed.setdefault(record.fault_id, record.t)
    return tuple(
        FaultSpan(
            f.fault_id,
            f.name,
            f.fault_kind,
            f.proxy,
            f.t,
            healed.get(f.fault_id, float("inf")),
            f.database,
            f.hit,
            cache=f.place if f.on == "cache" else "",
            host=f.place if f.on == "host" else "",
        )
        for f in view.of(FaultInjected)
    )


def phase_span(view: JournalView, name: PhaseName) -> Span | None:
    """When the phase was played; one that never ended goes on to the last record."""
    start = _first_of(view.of(PhaseStarted), name)
    if start is None:
        return None
    end = _first_of(view.of(PhaseEnded), name)
    last = max(r.t for r in view.records)
    return Span(start.t, end.t if end is not None else max(last, start.t))


P = TypeVar("P", PhaseStarted, PhaseEnded)


def _first_of(records: Iterable[P], name: PhaseName) -> P | None:
    return next((r for r in records if r.name == name), None)
