"""The chain of a segment: every line carries a hash of all that stands before it in its file.

The chain before the first line is the SHA-256 of "gameday journal NAME", NAME being the segment's. Behind each line it
is the SHA-256 of the chain before that line, as 64 hexadecimal digits, and the line's own bytes up to and with its
newline. Each line carries, as its first member "chain", what the chain was before it. A torn line, which a kill or a
full disk left, carries nothing: it counts with its bytes, and the record "segment-opened" follows it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPENED = "segment-opened"
_LINK = re.compile(rb'\{"chain":"([0-9a-f]{64})",')


def start(segment: str) -> str:
    """The chain before the first line of a segment."""
    return hashlib.sha256(f"gameday journal {segment}".encode()).hexdigest()


def follow(chain: str, line: bytes) -> str:
    """The chain behind `line`, which ends with its newline, where `chain` stood before it."""
    return hashlib.sha256(chain.encode() + line).hexdigest()


def linked(chain: str, body: bytes) -> bytes:
    """A JSON object (of one member at least) as a line that carries `chain`."""
    return b'{"chain":"' + chain.encode() + b'",' + body[1:] + b"\n"


@dataclass(frozen=True, slots=True)
class Link:
    """A line of a segment: `number` from 1, its bytes from `start` up to `end`, and the chain: `carried` by it (None:
    it carries none), `expected` after what stands before, and `head` behind it. `whole`: it ends with a newline."""

    number: int
    start: int
    end: int
    expected: str
    carried: str | None
    head: str
    whole: bool
    line: bytes

    @property
    def kind(self) -> str:
        """The kind of its record; "" where it is none."""
        try:
            record = json.loads(self.line)
        except (ValueError, RecursionError):
            return ""
        kind = record.get("kind") if isinstance(record, dict) else None
        return kind if isinstance(kind, str) else ""


def walk(place: Path, segment: str) -> Iterator[Link]:
    """The lines of a segment; after one that was changed it goes on with what the next one carries. Raises OSError."""
    chain, offset = start(segment), 0
    with place.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            found = _LINK.match(line)
            carried = found[1].decode() if found else None
            head = follow(carried or chain, line)
            yield Link(number, offset, offset + len(line), chain, carried, head, line.endswith(b"\n"), line)
            chain, offset = head, offset + len(line)
