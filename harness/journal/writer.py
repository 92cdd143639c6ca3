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

from harness.clock import Clock
from harness.errors import JournalFailed
from harness.journal.record import Record
from harness.redaction import Redactor

DURABLE_KINDS = frozenset(
    {
        "run-started",
        "undo",
        "fault-injected",
        "fault-healed",
        "heal-failed",
        "breach",
        "stop",
        "load-stopped",
        "rollback-started",
        "rollback-ran",
        "verdict",
    }
)
COMMIT_TIMEOUT_S = 5.0


class _Entry:
    def __init__(self, line: bytes, *, durable: bool) -> None:
        self.line = line
        self.durable = durable
        self.done = threading.Event()
        self.error: OSError | None = None


class Journal:
    """An append-only segment. Records of `DURABLE_KINDS` are fsynced; a record that can't be written is counted
    in `lost` and tried no more: the halt goes on without the disk."""

    def __init__(self, folder: Path, process: str, clock: Clock, redactor: Redactor | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.path = folder / f"{process}.jsonl"
        self.lost = 0
        self.last_error = ""
        self.redactor = redactor or Redactor()
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        # O_APPEND keeps whole lines whole even if two processes should ever share a segment
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._end_torn_line()
        self._thread = threading.Thread(target=self._drain, name=f"journal-{process}", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        """Queue a record; never blocks, never raises."""
        self._queue.put(self._entry(record))

    def commit(self, record: Record, timeout_s: float = COMMIT_TIMEOUT_S) -> None:
        """Write a record and wait until it is fsynced.

        Raises JournalFailed when the disk refuses it or does not answer in `timeout_s`.
        """
        entry = self._entry(record, durable=True)
        self._queue.put(entry)
        if not entry.done.wait(timeout_s):
            raise JournalFailed(f"the disk did not take a record in {timeout_s:g} s", where=str(self.path))
        if entry.error is not None:
            raise JournalFailed(
                f"a record could not be written: {entry.error.strerror}",
                where=str(self.path),
                mend="free some space or choose another --runs folder",
            )

    def flush(self, timeout_s: float = COMMIT_TIMEOUT_S) -> bool:
        """True once everything queued so far is written, False when `timeout_s` came first."""
        marker = _Entry(b"", durable=False)
        self._queue.put(marker)
        return marker.done.wait(timeout_s)

    def close(self, timeout_s: float = COMMIT_TIMEOUT_S) -> None:
        """Write what is queued and close the segment."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _entry(self, record: Record, *, durable: bool = False) -> _Entry:
        data = record.model_dump(mode="json")
        if not data["t"]:
            data["t"] = round(self.clock.now_s(), 6)
        line = json.dumps(self.redactor.value(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return _Entry(line.encode() + b"\n", durable=durable or data["kind"] in DURABLE_KINDS)

    def _drain(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = self._batch(first)
            self._put_on_disk(batch)
            if last:
                break
        os.close(self._fd)

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
            try:
                self._append(entry.line)
            except OSError as error:
                entry.error = error
                self.lost += 1
                self.last_error = str(error)
        if any(e.durable for e in batch):
            try:
                os.fsync(self._fd)
            except OSError as error:
                self.last_error = str(error)
                for entry in batch:
                    entry.error = entry.error or error
        for entry in batch:
            entry.done.set()

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._fd).st_size
        written = os.write(self._fd, line)
        if written < len(line):
            os.ftruncate(self._fd, before)
            raise OSError(28, "No space left on device")

    def _end_torn_line(self) -> None:
        """A segment opened again may end in half a line that a kill left: begin on a fresh one."""
        size = os.fstat(self._fd).st_size
        if size:
            with self.path.open("rb") as f:
                f.seek(size - 1)
                if f.read(1) != b"\n":
                    os.write(self._fd, b"\n")
