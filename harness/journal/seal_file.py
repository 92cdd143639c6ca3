"""`journal/seal.json`: how far the journal went when the run was over, and after each command that added to it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.journal.chain_record import Position

FILE = "seal.json"


class SealFile(BaseModel):
    """`seals`: where each record "sealed" stands, itself included, oldest first; the last head stands for the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seals: tuple[Position, ...] = ()

    @property
    def head(self) -> str:
        return self.seals[-1].head if self.seals else ""

    @property
    def text(self) -> str:
        """As it stands in the file, byte by byte."""
        return self.model_dump_json(indent=2) + "\n"


def read(journal_folder: Path) -> SealFile | None:
    """The seal; None where the run is not sealed. Raises ValueError for what gameday has not written, and OSError."""
    try:
        text = (journal_folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    seal = SealFile.model_validate_json(text)
    if seal.text != text or not seal.seals:
        raise ValueError("it is not as gameday writes it")
    return seal


def last_head(journal_folder: Path) -> str:
    """The head of the run's last seal; "" where there is none that can be read."""
    try:
        seal = read(journal_folder)
    except (OSError, ValueError, ValidationError):
        return ""
    return seal.head if seal is not None else ""


def write(journal_folder: Path, seal: SealFile) -> None:
    """Put it in place, whole. Raises OSError."""
    place = journal_folder / FILE
    draft = place.with_name(f".{FILE}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as f:
            f.write(seal.text)
            f.flush()
            os.fsync(f.fileno())
        draft.replace(place)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
