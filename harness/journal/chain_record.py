"""The records by which the journal proves itself."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from harness.journal.base import Record

SHORT = 16  # digits of a head as people copy it: 64 bits


class Position(BaseModel):
    """A place in a segment: behind its first `lines` lines, which are `bytes` long; `head` is the chain there."""

    model_config = ConfigDict(frozen=True)

    segment: str
    lines: NonNegativeInt
    bytes: NonNegativeInt
    head: str


class FileHash(BaseModel):
    """A file inside the run folder. A mapping of names to hashes would not do: the redaction takes what stands under a
    telling name."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str


class SegmentOpened(Record):
    """A process begins to write to a segment, or writes to it again. `seal`: the head of the run's last seal, "" where
    the run is not sealed (yet)."""

    kind: Literal["segment-opened"] = "segment-opened"
    segment: str
    pid: int = 0
    seal: str = ""


class Sealed(Record):
    """The run is over: how far the other segments went, and the SHA-256 of each other file of the run folder. Nothing
    follows it in its segment. `complete` False: files could still change, and none is listed."""

    kind: Literal["sealed"] = "sealed"
    by: str  # "conductor", or the command that has added to the run since
    segments: tuple[Position, ...] = ()
    files: tuple[FileHash, ...] = ()
    complete: bool = True


class JournalHead(Record):
    """The chain at a moment that people are told of, in the incident and in Slack."""

    kind: Literal["journal-head"] = "journal-head"
    position: Position

    @property
    def short(self) -> str:
        return self.position.head[:SHORT]
