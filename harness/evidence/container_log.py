"""The log of a container since a moment, bounded: its first and last lines are kept, a line says what was left out.

The engine sends frames, or with a terminal a plain stream, and puts its own timestamp before every line. A line of more
than 16 KiB comes in pieces, each with a timestamp: they are put together again, or a secret might hide across two.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.evidence.plain_text import plain_text

MAX_BYTES = 4 * 1024 * 1024
LAST_LINES = 20_000
_LONGEST_LINE = 1 << 20
_PIECE = 16 * 1024  # how much of a line the engine's loggers take at once (daemon/logger/copier.go)
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) ")
_HEADER = struct.Struct(">BxxxL")


class LogDoor(Protocol):
    """What collecting needs of the door to the engine."""

    def read_log(
        self, container: str, *, since: datetime, tail: int | None, take: Callable[[bytes], bool], deadline: Deadline
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """The text, not yet redacted. `truncated`: lines in its middle were left out, or before its first."""

    text: str
    truncated: bool


def fetch(
    door: LogDoor, container: str, *, tty: bool, since: datetime, deadline: Deadline, max_bytes: int = MAX_BYTES
) -> ContainerLog:
    """What the container wrote since a moment of the engine's clock, at most `max_bytes` of it. Raises ReachFailed.

    The last lines come first: an engine finds them at once, and reads through everything that was ever written to find
    the ones since a moment. Only where there are more is it asked for the first ones, as far as the deadline allows.
    """
    last = _Kept(max_bytes // 2)
    lines = _Lines(tty=tty)

    def take(piece: bytes) -> bool:
        for line in lines.feed(piece):
            last.add(line)
        return True

    door.read_log(container, since=since, tail=LAST_LINES, take=take, deadline=deadline)
    for line in lines.rest():
        last.add(line)
    if lines.pieces < LAST_LINES:
        return last.text()
    end = last.end()
    first, mark = _first_lines(
        door, container, tty=tty, since=since, deadline=deadline, room=max_bytes // 2, until=stamp_of(end[0])
    )
    return ContainerLog(plain_text(b"".join([first, mark, *end])), truncated=bool(mark))


def _first_lines(
    door: LogDoor, container: str, *, tty: bool, since: datetime, deadline: Deadline, room: int, until: bytes
) -> tuple[bytes, bytes]:
    """The first `room` bytes of lines up to the one with the stamp `until`, and the mark of what is missing before that
    one, b"" where nothing is."""
    kept: list[bytes] = []
    lines = _Lines(tty=tty)

    def take(piece: bytes) -> bool:
        nonlocal room
        for line in lines.feed(piece):
            if stamp_of(line) >= until:
                return False
            room -= len(line)
            if room < 0:
                return False
            kept.append(line)
        return True

    try:
        half = Deadline(deadline.at_boot_s - deadline.left_s() / 2)
        door.read_log(container, since=since, tail=None, take=take, deadline=half)
    except ReachFailed as error:
        return b"".join(kept), f"[... what came before these lines was not read: {error.what} ...]\n".encode()
    return b"".join(kept), b"[... the lines between these were left out by gameday ...]\n" if room < 0 else b""


class _Kept:
    """The first and the last lines of what is added, `half` bytes of each."""

    def __init__(self, half: int) -> None:
        self.half = half
        self._first: list[bytes] = []
        self._room = half
        self._last: deque[bytes] = deque()
        self._last_bytes = 0
        self._left_out = 0

    def add(self, line: bytes) -> None:
        if not self._last and len(line) <= self._room:
            self._room -= len(line)
            self._first.append(line)
            return
        self._last.append(line)
        self._last_bytes += len(line)
        while self._last_bytes > self.half and len(self._last) > 1:
            gone = len(self._last.popleft())
            self._last_bytes -= gone
            self._left_out += gone

    def text(self) -> ContainerLog:
        if not self._left_out:
            return ContainerLog(plain_text(b"".join([*self._first, *self._last])), truncated=False)
        mark = f"[... {self._left_out} bytes left out by gameday ...]\n".encode()
        return ContainerLog(plain_text(b"".join([*self._first, mark, *self._last])), truncated=True)

    def end(self) -> list[bytes]:
        """Only what came last, without a gap; at most `half` bytes, but one line at least."""
        lines = deque(self._last if self._left_out else [*self._first, *self._last])
        size = sum(map(len, lines))
        while size > self.half and len(lines) > 1:
            size -= len(lines.popleft())
        return list(lines)


class _Lines:
    """Whole lines out of the pieces of a response, each with its timestamp and its end. `pieces`: as the engine
    counts them."""

    def __init__(self, *, tty: bool) -> None:
        self._tty = tty
        self._buffer = b""
        self._open: dict[int, bytes] = {}
        self.pieces = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        yield from self._plain() if self._tty else self._framed()

    def rest(self) -> Iterator[bytes]:
        """What has no end of line."""
        left = [self._buffer] if self._tty and self._buffer else list(self._open.values())
        self._buffer, self._open = b"", {}
        for line in left:
            yield (_joined(line) if self._tty else line) + b"\n"

    def _plain(self) -> Iterator[bytes]:
        *whole, self._buffer = self._buffer.split(b"\n")
        for line in whole:
            self.pieces += 1 + len(line) // _PIECE
            yield _joined(line.rstrip(b"\r")) + b"\n"

    def _framed(self) -> Iterator[bytes]:
        at = 0
        while len(self._buffer) - at >= _HEADER.size:
            stream, length = _HEADER.unpack_from(self._buffer, at)
            end = at + _HEADER.size + length
            if end > len(self._buffer):
                break
            payload = self._buffer[at + _HEADER.size : end]
            at = end
            self.pieces += 1
            begun = self._open.pop(stream, b"")
            if begun:
                payload = begun + _STAMP.sub(b"", payload, count=1) if len(begun) < _LONGEST_LINE else begun + b"\n"
            if payload.endswith(b"\n"):
                yield payload
            else:
                self._open[stream] = payload
        self._buffer = self._buffer[at:]


def stamp_of(line: bytes) -> bytes:
    """The engine's timestamp before a line, b"" without one. They sort as they are written."""
    found = _STAMP.match(line)
    return found[0] if found else b""


def _joined(line: bytes) -> bytes:
    """A line of a terminal without the timestamps inside it."""
    begun = _STAMP.match(line)
    if begun is None or len(line) <= begun.end() + _PIECE:
        return line[:_LONGEST_LINE]
    parts, at = [line[: begun.end() + _PIECE]], begun.end() + _PIECE
    while at < min(len(line), _LONGEST_LINE):
        inside = _STAMP.match(line, at)
        at = inside.end() if inside else at
        parts.append(line[at : at + _PIECE])
        at += _PIECE
    return b"".join(parts)
