"""The new bytes of one log file, fetched and bounded: head and tail are kept, a line says how much was left out."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.evidence.log_position import MARK, LogDoor
from harness.evidence.plain_text import plain_text
from harness.evidence.rotation import NewBytes

MAX_BYTES = 4 * 1024 * 1024
_NOISE_BYTES = 64 * 1024
_EDGE_BYTES = 512


@dataclass(frozen=True, slots=True)
class LogText:
    """The text, not yet redacted. `truncated`: its middle was left out. `short`: the file shrank meanwhile."""

    text: str
    truncated: bool
    short: bool


class FileChanged(ReachFailed):
    """Another file stands at the path by now: it was rotated while we looked."""


def fetch(door: LogDoor, new: NewBytes, deadline: Deadline, max_bytes: int = MAX_BYTES) -> LogText:
    """The text of `new`, at most `max_bytes` of it. Raises ReachFailed, FileChanged among it."""
    length = new.end - new.start
    if length <= max_bytes:
        data = _range(door, new, new.start, length, deadline)
        return LogText(plain_text(data), truncated=False, short=len(data) < length)
    half = max_bytes // 2
    first = _range(door, new, new.start, half, deadline)
    last = _range(door, new, new.end - half, half, deadline)
    short = len(first) < half or len(last) < half
    head, tail = _up_to_a_line(first), _from_a_line(last)
    left_out = length - len(head) - len(tail)
    marker = f"\n[... {left_out} bytes left out by gameday ...]\n"
    return LogText(plain_text(head).rstrip("\n") + marker + plain_text(tail), truncated=True, short=short)


def _range(door: LogDoor, new: NewBytes, start: int, length: int, deadline: Deadline) -> bytes:
    if not length:
        return b""
    file = "/proc/self/fd/4"  # opened once, so that the inode and the bytes are of one file
    path = new.file.path if new.file.path.startswith("/") else f"./{new.file.path}"
    script = (
        f"{{ printf '{MARK}%s\\0' \"$(stat -L -c %d:%i {file})\"; "
        f"tail -c +{start + 1} {file} | head -c {length}; }} 4<{shlex.quote(path)}"
    )
    result = door.run(script, deadline, max_bytes=length + _NOISE_BYTES)
    _, mark, answer = result.stdout.partition(MARK.encode())
    inode, end, data = answer.partition(b"\0")
    if not mark or not end:
        said = plain_text(result.stderr).strip()[:200]
        raise FileChanged(f"it could not be read: {said or 'no answer'}")
    if inode.decode("ascii", "replace") != new.file.inode:
        raise FileChanged("it was rotated while it was read")
    return data


def _up_to_a_line(data: bytes) -> bytes:
    """Without the line that is cut: half of a secret would not be known as one."""
    end = data.rfind(b"\n")
    return data[: end + 1] if end >= 0 else data[:-_EDGE_BYTES]


def _from_a_line(data: bytes) -> bytes:
    start = data.find(b"\n")
    return data[start + 1 :] if start >= 0 else data[_EDGE_BYTES:]
