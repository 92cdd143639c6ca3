"""One segment of a journal, checked against its chain and against the seals that tell how far it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.journal import chain
from harness.journal.chain import Link
from harness.journal.chain_record import Position, Sealed, SegmentOpened

_NO_RECORD = "it is no record: it was changed or inserted"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was written: `file` inside the run folder; `line` from 1 and the first `byte` of it
    from 0, where they can be told."""

    file: str
    what: str
    line: int | None = None
    byte: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.what}" if self.byte is None else f"{place} (from byte {self.byte}): {self.what}"


@dataclass(slots=True)
class Checked:
    """What a segment is found to be. `heads` has the chain behind each line, `sealed` the records of that kind with
    their positions; `chained` False: an older gameday wrote it."""

    name: str
    flaws: list[Flaw] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    opened: SegmentOpened | None = None
    sealed: list[tuple[Position, Sealed]] = field(default_factory=list)
    chained: bool = False
    torn: int | None = None  # the number of a last line without an end

    @property
    def file(self) -> str:
        return f"journal/{self.name}.jsonl"

    @property
    def position(self) -> Position | None:
        """Where it ends."""
        return self._behind(len(self.heads)) if self.heads else None

    def against(self, sealed: Iterable[Position]) -> Iterator[Flaw]:
        """What the seals say otherwise. A flaw in the chain says it all already."""
        if self.flaws:
            return
        for seal in sealed:
            if len(self.heads) < seal.lines:
                what = f"its end is missing: {seal.lines} lines were sealed, {len(self.heads)} are there"
                yield Flaw(self.file, what, len(self.heads) + 1, self.ends[-1] if self.ends else 0)
                return
            if not seal.lines or self._behind(seal.lines) != seal:
                yield Flaw(self.file, "it is not what was sealed", seal.lines, self._start(seal.lines))
                return

    def _behind(self, line: int) -> Position:
        return Position(segment=self.name, lines=line, bytes=self.ends[line - 1], head=self.heads[line - 1])

    def _start(self, line: int) -> int:
        return self.ends[line - 2] if line > 1 else 0


def check(place: Path) -> Checked:
    """The segment at `place`, by itself. Raises OSError."""
    found = Checked(place.stem)
    before: Link | None = None
    for link in chain.walk(place, found.name):
        found.heads.append(link.head)
        found.ends.append(link.end)
        _look(found, link, before)
        before = link
    _look_at_the_end(found, before)
    return found


def _look(found: Checked, link: Link, before: Link | None) -> None:
    """Does the line follow what stands before it? Half a line is followed by an opening, and so is the begin of all."""
    kind = link.kind if link.carried is not None else ""
    torn = found.torn is not None
    if link.carried is not None and link.carried != link.expected:
        found.flaws.append(_broken(found, link, before))
    elif found.chained and torn and before is not None and kind != chain.OPENED:
        found.flaws.append(_flaw(found, before, _NO_RECORD))
    elif kind not in ("", chain.OPENED) and not found.chained:
        found.flaws.append(_flaw(found, link, "the opening of the segment is missing before it"))
    found.chained = found.chained or link.carried is not None
    found.torn = None if kind else link.number
    if kind == chain.OPENED:
        found.opened = found.opened or _opened(link)
    elif kind == "sealed":
        _remember_seal(found, link)


def _look_at_the_end(found: Checked, last: Link | None) -> None:
    if last is None:
        return
    if found.chained and found.torn is not None and last.whole:
        found.flaws.append(_flaw(found, last, _NO_RECORD))
        found.torn = None
    elif found.chained and not last.whole:
        found.torn = last.number
    elif not found.chained:
        # less than one line, as a kill may leave it, is no sign of an older gameday
        found.chained = last.number == 1 and not last.whole
        found.torn = last.number if found.chained else None


def _broken(found: Checked, link: Link, before: Link | None) -> Flaw:
    if before is None:
        what = "what stood before it is missing, or the file had another name, or the line was changed"
        return _flaw(found, link, what)
    after = f"line {link.number} does not follow it"
    return _flaw(found, before, f"it was changed, or lines were inserted or removed behind it: {after}")


def _remember_seal(found: Checked, link: Link) -> None:
    position = Position(segment=found.name, lines=link.number, bytes=link.end, head=link.head)
    try:
        found.sealed.append((position, Sealed.model_validate_json(link.line)))
    except ValidationError:
        found.flaws.append(_flaw(found, link, "the seal can't be read"))


def _opened(link: Link) -> SegmentOpened | None:
    try:
        return SegmentOpened.model_validate_json(link.line)
    except ValidationError:
        return None


def _flaw(found: Checked, link: Link, what: str) -> Flaw:
    return Flaw(found.file, what, link.number, link.start)
