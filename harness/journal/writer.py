"""Writes one segment of the journal: `journal/<process>.jsonl`, one record a line, in a thread of its own.

A slow or full disk never delays the caller of `write`. `commit` returns once the record is fsynced, or raises.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from harness.clock import Clock, boot_s
from harness.errors import JournalFailed
from harness.journal.chain_record import Position, SegmentOpened
from harness.journal.record import Record
from harness.journal.seal_file import last_head
from harness.journal.segment import Segment
from harness.redaction import Redactor

DURABLE_KINDS = frozenset(
    {
        "run-started",
        "undo",
        "fault-injected",
        "injection-failed",
        "fault-healed",
        "heal-failed",
        "breach",
        "stop",
        "load-stopped",
        "load-ended",
        "rollback-started",
        "rollback-ran",
        "verdict",
        "sealed",
    }
)
COMMIT_TIMEOUT_S = 5.0


class _Entry:
    """A record on its way to the disk; without a body a mark that tells when all before it is there."""

    def __init__(self, body: bytes, *, durable: bool, last: bool = False) -> None:
        self.body = body
        self.durable = durable
        self.last = last
        self.done = threading.Event()
        self.error: OSError | None = None
        self.position: Position | None = None


class Journal:
    """An append-only segment. Records of `DURABLE_KINDS` are fsynced; a record that can't be written is counted
    in `lost` and tried no more: the halt goes on without the disk. Nothing but `commit` ever raises or waits."""

    def __init__(self, folder: Path, process: str, clock: Clock, redactor: Redactor | None = None) -> None:
        self.clock = clock
        self.path = folder / f"{process}.jsonl"
        self.lost = 0
        self.last_error = ""
        self.redactor = redactor or Redactor()
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._segment = Segment(folder, process)
        self._busy_since_boot_s: float | None = None
        self._thread = threading.Thread(target=self._drain, name=f"journal-{process}", daemon=True)
        self._thread.start()

    @property
    def stuck_s(self) -> float:
        """For how long the disk has been at one and the same write."""
        since = self._busy_since_boot_s
        return 0.0 if since is None else boot_s() - since

    def write(self, record: Record) -> None:
        """Queue a record; never blocks, never raises."""
        self._queue.put(self._entry(record))

    def commit(self, record: Record, timeout_s: float = COMMIT_TIMEOUT_S, *, last: bool = False) -> Position:
        """Write a record and wait until it is fsynced; where it stands then. What comes after the `last` is not
        written any more.

        Raises JournalFailed when the disk refuses it or does not answer in `timeout_s`.
        """
        entry = self._entry(record, durable=True, last=last)
        self._queue.put(entry)
        if not entry.done.wait(timeout_s):
            raise JournalFailed(f"the disk did not take a record in {timeout_s:g} s", where=str(self.path))
        if entry.error is not None or entry.position is None:
            why = "the segment is closed" if entry.error is None else entry.error.strerror or str(entry.error)
            raise JournalFailed(
                f"a record could not be written: {why}",
                where=str(self.path),
                mend="free some space or choose another --runs folder",
            )
        return entry.position

    def flush(self, timeout_s: float = COMMIT_TIMEOUT_S) -> bool:
        """True once everything queued so far is written, False when `timeout_s` came first."""
        return self._mark().done.wait(timeout_s)

    def position(self, timeout_s: float = COMMIT_TIMEOUT_S) -> Position | None:
        """Where the segment stands with everything queued so far; None where the disk does not tell in time."""
        mark = self._mark()
        return mark.position if mark.done.wait(timeout_s) else None

    def close(self, timeout_s: float = COMMIT_TIMEOUT_S) -> None:
        """Write what is queued and close the segment."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _mark(self) -> _Entry:
        mark = _Entry(b"", durable=False)
        self._queue.put(mark)
        return mark

    def _entry(self, record: Record, *, durable: bool = False, last: bool = False) -> _Entry:
        data = record.model_dump(mode="json")
        if not data["t"]:
            data["t"] = round(self.clock.now_s(), 6)
        return _Entry(self._body(data), durable=durable or data["kind"] in DURABLE_KINDS, last=last)

    def _body(self, data: dict[str, object]) -> bytes:
        # a seal holds hashes and names of files of ours: a mask where a short secret stands in a hash by chance would
        # make it a lie
        clean = data if data["kind"] == "sealed" else self.redactor.value(data)
        return json.dumps(clean, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

    def _drain(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, over = self._batch(first)
            self._busy_since_boot_s = boot_s()
            self._put_on_disk(batch)
            self._busy_since_boot_s = None
            if over:
                break
        self._segment.close()

    def _batch(self, first: _Entry) -> tuple[list[_Entry], bool]:
        batch = [first]
        while True:
            try:
                entry = self._queue.get_nowait()
            except Empty:
                return batch, False
            if entry is None:
                return batch, True
            batch.append(entry)

    def _put_on_disk(self, batch: list[_Entry]) -> None:
        for entry in batch:
            if self._segment.ended:
                continue
            try:
                if entry.body:
                    self._append(entry)
                entry.position = self._segment.position
            except OSError as error:
                self._lose(entry, error)
        if any(e.durable and e.error is None for e in batch):
            self._sync(batch)
        for entry in batch:
            entry.done.set()

    def _append(self, entry: _Entry) -> None:
        if not self._segment.open:
            seal = last_head(self.path.parent)
            opened = SegmentOpened(t=self.clock.now_s(), segment=self._segment.name, pid=os.getpid(), seal=seal)
            self._segment.begin(self._body(opened.model_dump(mode="json")))
        self._segment.append(entry.body)
        self._segment.ended = entry.last

    def _sync(self, batch: list[_Entry]) -> None:
        try:
            self._segment.sync()
        except OSError as error:
            for entry in batch:
                if entry.body and entry.error is None:
                    self._lose(entry, error)

    def _lose(self, entry: _Entry, error: OSError) -> None:
        entry.error = error
        self.last_error = error.strerror or str(error)
        self.lost += 1
