"""What the undo records of the faults on a cache have in common: the way to its server, and whose work it is."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from faults.undo import Undo
from harness.errors import ReachFailed
from harness.reach.reference import References

_CUT = re.compile(r"(://|@|=|:)")
_LONGEST_NAME = 63


class CacheUndo(Undo):
    """`url` is the URL of the cache as the target file writes it, with references for what is secret, in pieces: whole,
    it could look like a secret itself to the journal's redaction. `folder`: what file references are relative to.
    `marker`: the name of our connections (CLIENT SETNAME)."""

    cache: str
    url: tuple[str, ...]
    folder: str
    marker: str


def in_pieces(reference: str) -> tuple[str, ...]:
    """A URL as its undo record holds it."""
    return tuple(piece for piece in _CUT.split(reference) if piece)


def url_of(undo: CacheUndo) -> str:
    """The URL, its references looked up in the environment again. Raises ReachFailed with what to export."""
    expansion = References(os.environ, Path(undo.folder)).expand("".join(undo.url))
    if expansion.problems:
        what, mend = expansion.problems[0]
        raise ReachFailed(what, where=f"cache {undo.cache}", mend=mend)
    return expansion.text


def marker(kind: str, run: str, fault_id: str) -> str:
    """The name by which everybody sees whose connections these are: printable, and of a length that all lists show."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"gameday-{kind}-{run}-{fault_id}")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:46]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
