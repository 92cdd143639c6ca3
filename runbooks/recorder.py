"""Keeps what happened: in the journal, in memory (a full disk must not hide the verdict) and on the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from harness.clock import Clock
from harness.journal.reader import JournalView
from harness.journal.record import Readings, Record, Window
from harness.journal.writer import Journal
from runbooks.narrator import Narrator
from runbooks.screen import Screen

R = TypeVar("R", bound=Record)


def stamped(record: R, clock: Clock) -> R:
    """The record with the moment it was made, if it has none."""
    return record if record.t else record.model_copy(update={"t": clock.now_s()})


class Recorder:
    """Every record of the conductor's process goes through here."""

    def __init__(self, journal: Journal, screen: Screen) -> None:
        self.journal = journal
        self.clock = journal.clock
        self._screen = screen
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._listeners: list[Callable[[Record], None]] = []
        self._narrator = Narrator()

    def record(self, record: Record) -> None:
        """Never blocks, never raises."""
        record = self._redacted(stamped(record, self.clock))
        self.journal.write(record)
        self._keep(record)

    def commit(self, record: Record) -> None:
        """Like `record`, but returns once it is on disk. Raises JournalFailed, and keeps nothing then."""
        record = self._redacted(stamped(record, self.clock))
        self.journal.commit(record)
        self._keep(record)

    def _keep(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)
        line = self._narrator.line(record)
        if line is not None:
            self._screen.event(record.t, line.text, line.level)
        for listener in self._listeners:
            listener(record)

    def listen(self, listener: Callable[[Record], None]) -> None:
        """Calls `listener` with every record from now on; it must not block and not raise."""
        self._listeners.append(listener)

    def _redacted(self, record: Record) -> Record:
        """What is told, printed and summed up is as clean as what is written; numbers hold no secrets."""
        if isinstance(record, Window | Readings):
            return record
        return type(record).model_validate(self.journal.redactor.value(record.model_dump()))

    def view(self) -> JournalView:
        """The records so far, in order of time."""
        with self._lock:
            records = list(self._records)
        return JournalView(tuple(sorted(records, key=lambda r: r.t)))
