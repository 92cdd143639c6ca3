"""When each phase of the exercise began and ended."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.journal.reader import JournalView
from harness.journal.record import PhaseEnded, PhaseName, PhaseStarted


class PhaseSpan(BaseModel):
    """A phase in seconds since the start of the run; `end` None: the journal doesn't know of its end."""

    model_config = ConfigDict(frozen=True)

    name: PhaseName
    start: float
    end: float | None


def spans(view: JournalView) -> tuple[PhaseSpan, ...]:
    """The phases that began, in their order; one without an end lasted until the next began."""
    begun = view.of(PhaseStarted)
    ended = {record.name: record.t for record in view.of(PhaseEnded)}
    following: list[PhaseStarted | None] = [*begun[1:], None]
    return tuple(
        PhaseSpan(name=record.name, start=record.t, end=ended.get(record.name, after.t if after else None))
        for record, after in zip(begun, following, strict=False)
    )
