"""What happened, in order, in the words that an engineer on call wants. All views use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from harness.journal.reader import JournalView
from harness.journal.record import Gap, LoadStopped, Record
from harness.report import format as say
from harness.report import run
from harness.report.fault_account import accounts
from harness.report.telling import Told, tell

Level = Literal["info", "warning", "error"]
_SAME_GAP_S = 8.0


@dataclass(frozen=True, slots=True)
class Event:
    """`t_s` seconds since the start of the run, `utc` its label (None: unknown), `text` plain and on one line."""

    t_s: float
    utc: datetime | None
    text: str
    level: Level


def events(view: JournalView) -> tuple[Event, ...]:
    """The timeline of a run, in order of time; gaps of one source in a row are one event."""
    started = run.started(view)
    fault_names = {account.id: account.name for account in accounts(view)}
    told = [
        (_moment(record), said)
        for record in view.records
        if not isinstance(record, Gap) and (said := tell(record, fault_names))
    ]
    told.extend(_gaps(view.of(Gap)))
    told.sort(key=lambda pair: pair[0])
    return tuple(Event(t_s, run.utc(started, t_s), said.text, said.level) for t_s, said in told)


def _moment(record: Record) -> float:
    return record.at if isinstance(record, LoadStopped) else record.t


def _gaps(gaps: tuple[Gap, ...]) -> Iterator[tuple[float, Told]]:
    """Gaps of one source that follow each other closely, told once."""
    rows: dict[str, list[Gap]] = {}
    for gap in gaps:
        row = rows.setdefault(gap.source, [])
        if row and gap.t - row[-1].t > _SAME_GAP_S:
            yield _gap(row)
            row.clear()
        row.append(gap)
    for row in rows.values():
        yield _gap(row)


def _gap(row: list[Gap]) -> tuple[float, Told]:
    first, last = row[0], row[-1]
    until = f" until {say.offset(last.t)} ({len(row)} times)" if len(row) > 1 else ""
    reason = first.reason.removeprefix(f"{first.source}: ").rstrip(": ")
    return first.t, Told(say.one_line(f"Nothing known of {first.source}{until}: {reason}"), "warning")
