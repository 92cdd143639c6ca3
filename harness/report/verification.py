"""Is a run folder what was written? Its journal against its chains and seals, its other files against the seal.

Without a seal (the run was killed, or goes on) nobody vouches for the last line of each segment; the inputs and the
evidence are compared with what the journal and the manifest say of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.journal import reader, seal_file
from harness.journal.chain_record import SHORT, FileHash, Position, Sealed
from harness.journal.record import RunStarted
from harness.journal.seal import hash_of, hashes
from harness.journal.seal_file import FILE, SealFile
from harness.journal.segment_check import Checked, Flaw, check

_SEAL = f"journal/{FILE}"
_MANIFEST = "evidence/manifest.json"
State = Literal["intact", "changed", "not sealed", "no chain"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `head`: that of the last seal, "" without one; `notes`: what is no flaw and worth a word."""

    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]
    head: str
    lines: int
    files: int
    chained: bool

    @property
    def state(self) -> State:
        if self.flaws:
            return "changed"
        if not self.chained:
            return "no chain"
        return "intact" if self.head else "not sealed"


def verify(run_folder: Path, head: str = "") -> Verification:
    """Look at every byte. `head`: a head, or its first 12 digits or more, that somebody wrote down or was sent.

    Raises OSError where a file can't be read.
    """
    folder = run_folder / "journal"
    found = {place.stem: check(place) for place in sorted(folder.glob("*.jsonl")) if place.is_file()}
    flaws, seal = _read_seal(folder)
    flaws += [flaw for checked in found.values() for flaw in checked.flaws]
    records = dict(record for checked in found.values() for record in checked.sealed)
    last: Sealed | None = None
    if seal is not None:
        flaws += _against_seals(found, seal, records)
        last = records.get(seal.seals[-1])
    elif records and not flaws:
        flaws.append(Flaw(_SEAL, "it is missing, and the run was sealed"))
    notes = list(_notes(found, seal))
    files = {file.path: file.sha256 for file in hashes(run_folder)}
    added: set[str] = set()
    if last is not None and last.complete:
        flaws += _against_files(last.files, files)
        added |= files.keys() - {file.path for file in last.files}
        notes += [f"{name} was added since the run was sealed" for name in sorted(added)]
        notes += [f"{name} is no file of a run: nobody looks at it" for name in _strange(run_folder)]
    else:
        flaws += _without_seal(run_folder)
    proven = _head(found, head) if head else None
    flaws += [proven] if isinstance(proven, Flaw) else []
    notes += [proven] if isinstance(proven, str) else []
    return Verification(
        flaws=tuple(dict.fromkeys(flaws)),
        notes=tuple(notes),
        head=seal.head if seal is not None else "",
        lines=sum(len(checked.heads) for checked in found.values()),
        files=len(files) - len(added),
        chained=any(checked.chained for checked in found.values()),
    )


def _read_seal(folder: Path) -> tuple[list[Flaw], SealFile | None]:
    try:
        return [], seal_file.read(folder)
    except ValueError as error:
        return [Flaw(_SEAL, f"it was changed: {str(error).splitlines()[0]}")], None


def _against_seals(found: Mapping[str, Checked], seal: SealFile, records: Mapping[Position, Sealed]) -> Iterator[Flaw]:
    sealed: dict[str, list[Position]] = {}
    for position in seal.seals:
        record = records.get(position)
        for part in (position, *(record.segments if record is not None else ())):
            sealed.setdefault(part.segment, []).append(part)
    for name, parts in sealed.items():
        if name not in found:
            yield Flaw(f"journal/{name}.jsonl", "the whole segment is missing")
            continue
        yield from found[name].against(sorted(parts, key=lambda part: part.lines))
    broken = any(checked.flaws for checked in found.values())
    for position in () if broken else records.keys() - set(seal.seals):
        yield Flaw(_SEAL, f"it does not know of the seal in {position.segment}.jsonl")
    for position in seal.seals:
        yield from _behind_the_seal(found.get(position.segment), position)
    heads = {position.head for position in seal.seals}
    for name, checked in found.items():
        yield from _since_the_seal(checked, known=name in sealed, heads=heads)


def _behind_the_seal(checked: Checked | None, seal: Position) -> Iterator[Flaw]:
    """A seal is the last line of its segment."""
    if checked is not None and len(checked.heads) > seal.lines:
        yield Flaw(checked.file, "something was added behind the seal", seal.lines + 1, checked.ends[seal.lines - 1])


def _since_the_seal(checked: Checked, *, known: bool, heads: set[str]) -> Iterator[Flaw]:
    if checked.torn is not None:
        what = "half a line: what was sealed ended whole (only a kill since then would explain it)"
        start = checked.ends[checked.torn - 2] if checked.torn > 1 else 0
        yield Flaw(checked.file, what, checked.torn, start)
    if known or checked.flaws:
        return
    if checked.opened is None or checked.opened.seal not in heads:
        yield Flaw(checked.file, "the segment was inserted: the seal does not know it, nor does it know the seal")


def _notes(found: Mapping[str, Checked], seal: SealFile | None) -> Iterator[str]:
    heads = {position.head for position in seal.seals} if seal is not None else set()
    for checked in found.values():
        if checked.opened is not None and checked.opened.seal in heads and not checked.sealed:
            yield f"{checked.file} was begun behind the seal and never sealed: nobody vouches for it"
        if checked.torn is not None and seal is None:
            yield f"{checked.file}:{checked.torn}: half a line, as a kill leaves it"
        if checked.heads and not checked.chained:
            yield f"{checked.file} was made by an older gameday: it has no chain, and any byte may have changed"


def _strange(run_folder: Path) -> Iterator[str]:
    """What a seal can't know: links, pipes, and what is no segment in the journal's folder."""
    for place in sorted(run_folder.rglob("*")):
        name = place.relative_to(run_folder)
        if name.parent.parts[:1] == ("journal",):
            ordinary = place.is_file() and (name.match("journal/*.jsonl") or name.as_posix() == _SEAL)
        else:
            ordinary = not place.is_symlink() and (place.is_dir() or place.is_file())
        if not ordinary:
            yield name.as_posix()


def _against_files(sealed: Iterable[FileHash], there: Mapping[str, str]) -> Iterator[Flaw]:
    for file in sealed:
        if file.path not in there:
            yield Flaw(file.path, "the file is missing")
        elif there[file.path] != file.sha256:
            yield Flaw(file.path, "the file was changed since it was sealed")


def _without_seal(run_folder: Path) -> Iterator[Flaw]:
    started = reader.read(run_folder).first(RunStarted)
    copies = started.copies if started is not None else ()
    for file in (*copies, *_manifest(run_folder)):
        place = run_folder / file.path
        if not place.resolve().is_relative_to(run_folder.resolve()):
            continue
        if not place.is_file():
            yield Flaw(file.path, "the file is missing")
        elif hash_of(place) != file.sha256:
            yield Flaw(file.path, "the file was changed since it was written")


def _manifest(run_folder: Path) -> tuple[FileHash, ...]:
    try:
        files = json.loads((run_folder / _MANIFEST).read_bytes())["files"]
        return tuple(FileHash.model_validate(entry) for entry in files)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def _head(found: Mapping[str, Checked], head: str) -> Flaw | str:
    """Where the chain was at that head: it proves all that stands before."""
    for checked in found.values():
        for number, known in enumerate(checked.heads, start=1):
            if known.startswith(head):
                rest = len(checked.heads) - number
                what = f"the head {head[:SHORT]} is that of line {number} of {checked.file}"
                return (
                    f"{what}, its last" if not rest else f"{what}: it proves what stands up to there, not {rest} more"
                )
    return Flaw("journal", f"no line has the head {head[:SHORT]}: the journal was written anew, or is another run's")
