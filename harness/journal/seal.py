"""Seals a run: what its journal and its files are from now on, so that nothing can be taken from their ends unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from harness.journal import chain, seal_file
from harness.journal.chain_record import FileHash, Position, Sealed
from harness.journal.seal_file import SealFile
from harness.journal.writer import Journal

# the healer may go on writing to its log; the rest of `journal/` is chained
_LEFT_OUT = ("healer.log",)
_PIECE_BYTES = 1 << 20


def seal(run_folder: Path, journal: Journal, *, by: str, complete: bool = True) -> str:
    """Commit the record "sealed" as the last one of `journal`, and write `seal.json`; the head. `complete` False: the
    files are not sealed, since somebody may still be writing them.

    A run whose first seal is not the conductor's can't be sealed later: answers "" then. Raises JournalFailed, and
    OSError.
    """
    folder = run_folder / "journal"
    before = seal_file.read(folder)
    if before is None and by != "conductor":
        return ""
    own = journal.position()
    segments = tuple(p for p in positions(folder) if own is None or p.segment != own.segment)
    files = tuple(hashes(run_folder)) if complete else ()
    record = Sealed(t=journal.clock.now_s(), by=by, segments=segments, files=files, complete=complete)
    position = journal.commit(record, last=True)
    seal_file.write(folder, SealFile(seals=(*(before.seals if before is not None else ()), position)))
    return position.head


def positions(journal_folder: Path) -> Iterator[Position]:
    """Where each segment ends; half a line that is just being written is left out."""
    for place in sorted(f for f in journal_folder.glob("*.jsonl") if f.is_file()):
        last = None
        for link in chain.walk(place, place.stem):
            last = link if link.whole else last
        if last is not None:
            yield Position(segment=place.stem, lines=last.number, bytes=last.end, head=last.head)


def hashes(run_folder: Path) -> Iterator[FileHash]:
    """Each file of a run folder but its journal."""
    for place in sorted(run_folder.rglob("*")):
        name = place.relative_to(run_folder).as_posix()
        if place.is_symlink() or not place.is_file() or name.startswith("journal/") or name in _LEFT_OUT:
            continue
        yield FileHash(path=name, sha256=hash_of(place))


def hash_of(place: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    with place.open("rb") as f:
        while piece := f.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
