"""What was written to log files between two moments, through rotations: pure, without a host.

A file is followed by its inode and its first bytes. The inode alone does not do: a new file often gets the number of
the one just deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.evidence.log_position import LogFile, LogPosition

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".Z", ".zip")


@dataclass(frozen=True, slots=True)
class NewBytes:
    """The part [start, end) of a file that was written since."""

    file: LogFile
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A file whose end can't be had."""

    position: LogPosition
    reason: str


def written_since(
    before: Sequence[LogPosition], now: Iterable[LogFile]
) -> tuple[tuple[NewBytes, ...], tuple[Lost, ...]]:
    """The new bytes of each file (none of files beside a log that did not grow), and what was lost.

    Rename, copy-and-truncate and a file that came after the start are told apart; a rotated file is followed as far as
    it is among `now`.
    """
    by_inode = {position.inode: position for position in before}
    found: list[NewBytes] = []
    lost: list[Lost] = []
    followed: set[str] = set()
    for file in now:
        position = by_inode.get(file.inode)
        if position is None or not position.continues_in(file):
            # a new file in the place of a log starts at 0; one beside it may be the copy of what was there
            position = next((p for p in before if _is_copy(file, p)), None)
        if position is not None:
            followed.add(position.inode)
        start = position.size if position else 0
        if position is None and not file.matched and file.path.endswith(_COMPRESSED):
            lost.append(Lost(LogPosition.of(file), "it was compressed during the run"))
        elif file.matched or file.size > start:
            found.append(NewBytes(file, start, file.size))
    for position in before:
        if position.matched and position.inode not in followed:
            reason = "it was rotated away, truncated or deleted during the run, and its end was not found"
            lost.append(Lost(position, reason))
    return tuple(found), tuple(lost)


def _is_copy(file: LogFile, position: LogPosition) -> bool:
    beside = file.path != position.path and file.path.startswith(position.path)
    return beside and position.size > 0 and position.continues_in(file)
