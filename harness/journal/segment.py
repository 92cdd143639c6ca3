"""The file of a segment: appended to, chained, and begun anew after whatever a kill or a full disk left of it."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from harness.journal import chain
from harness.journal.chain_record import Position

_MOST_NAMES = 100


class Segment:
    """One writer's. `begin` opens it, or mends it after a write that failed half-way; both raise OSError.

    Where another process writes to the file at this moment, the next free name is taken: "heal-7", "heal-7-2".
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.ended = False
        self._folder = folder
        self._fd = -1
        self._sound = False
        self._chain = ""
        self._lines = 0
        self._bytes = 0

    @property
    def open(self) -> bool:
        """Whether a record can be appended as it is."""
        return self._sound

    @property
    def position(self) -> Position | None:
        """Where it stands; None before it is open."""
        if not self._chain:
            return None
        return Position(segment=self.name, lines=self._lines, bytes=self._bytes, head=self._chain)

    def begin(self, opening: bytes) -> None:
        """Take up the chain where the file ends, and write `opening`, the record that says so."""
        if self._fd < 0:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fd = self._take()
            _keep_names(self._folder)
        torn = self._take_up()
        line = chain.linked(self._chain, opening)
        self._write(torn + line)
        self._sound = True
        self._count(line)

    def append(self, body: bytes) -> None:
        """Write a record. Raises OSError; the file is as it was then, or `begin` mends it."""
        line = chain.linked(self._chain, body)
        self._write(line)
        self._count(line)

    def sync(self) -> None:
        """Raises OSError."""
        os.fsync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self) -> int:
        base = self.name
        for number in range(1, _MOST_NAMES):
            name = base if number == 1 else f"{base}-{number}"
            # O_APPEND keeps whole lines whole, whoever else should ever write to the file
            fd = os.open(self._folder / f"{name}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                continue
            except OSError:  # a file system without locks
                pass
            self.name = name
            return fd
        raise OSError(errno.EBUSY, f"{_MOST_NAMES} processes write to this segment", base)

    def _take_up(self) -> bytes:
        """The chain at the end of the file; what ends a torn line, if the last one is."""
        self._chain, self._lines, self._bytes, torn = chain.start(self.name), 0, 0, b""
        for link in chain.walk(self._folder / f"{self.name}.jsonl", self.name):
            torn = b"" if link.whole else b"\n"
            self._chain = chain.follow(link.carried or link.expected, link.line + torn)
            self._lines, self._bytes = link.number, link.end + len(torn)
        return torn

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._fd).st_size
        written = os.write(self._fd, data)
        if written < len(data):
            sound, self._sound = self._sound, False
            os.ftruncate(self._fd, before)
            self._sound = sound
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))

    def _count(self, line: bytes) -> None:
        self._chain = chain.follow(self._chain, line)
        self._lines += 1
        self._bytes += len(line)


def _keep_names(folder: Path) -> None:
    """A file whose name is not on the disk is lost with the power: its folder's and the run's are synced too."""
    for place in (folder, *tuple(folder.absolute().parents)[:2]):
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EACCES):
                raise
        finally:
            os.close(fd)
