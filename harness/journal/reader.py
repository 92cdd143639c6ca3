"""Reads a run's journal: all segments, in one order of time, whatever a kill or a full disk left of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.journal.record import AnyRecord, Record

_ADAPTER: TypeAdapter[Record] = TypeAdapter(AnyRecord)
_OF_THE_CHAIN = ("segment-opened", "sealed")  # they prove the others, and tell nothing of the run
R = TypeVar("R", bound=Record)


class JournalView:
    """The records of one run in order of time. `unreadable` counts lines that are no record (torn by a kill)."""

    def __init__(self, records: tuple[Record, ...], unreadable: int = 0) -> None:
        self.records = records
        self.unreadable = unreadable

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """All records of a class."""
        return tuple(r for r in self.records if isinstance(r, kind))

    def first(self, kind: type[R]) -> R | None:
        return next((r for r in self.records if isinstance(r, kind)), None)

    def last(self, kind: type[R]) -> R | None:
        return next((r for r in reversed(self.records) if isinstance(r, kind)), None)


def read(run_folder: Path) -> JournalView:
    """The journal of a run folder; an absent or empty one reads as no records."""
    records: list[Record] = []
    unreadable = 0
    for segment in sorted(f for f in (run_folder / "journal").glob("*.jsonl") if f.is_file()):
        for record in _parse(segment):
            if record is None:
                unreadable += 1
            else:
                records.append(record)
    records.sort(key=lambda r: r.t)
    return JournalView(tuple(records), unreadable)


def _parse(segment: Path) -> Iterator[Record | None]:
    with segment.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not (isinstance(record, dict) and record.get("kind") in _OF_THE_CHAIN):
                    yield _ADAPTER.validate_python(record)
            except (ValueError, ValidationError, RecursionError):
                yield None
