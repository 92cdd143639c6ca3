"""The evidence of a run: files below `evidence/` with a manifest of what is there and what is missing."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from harness.errors import JournalFailed
from harness.evidence.plain_text import plain_name
from harness.journal.record import EvidenceCollected, EvidenceFile, EvidenceMissing
from harness.redaction import Redactor

FOLDER = "evidence"
MANIFEST = "manifest.json"
SCHEMA = 1
_LONGEST_STEM = 60
_SUFFIXES = {".log", ".txt", ".csv", ".json", ".jsonl", ".out", ".err"}


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes of a remote file a piece of evidence holds: [start, end)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file as the manifest lists it. `sha256` is of the file as written, redacted."""

    source: str
    what: str
    path: str
    bytes: int
    truncated: bool
    sha256: str
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class _Manifest:
    files: list[_Entry]
    missing: list[EvidenceMissing]
    unchanged: list[dict[str, str]]


_MANIFEST: TypeAdapter[_Manifest] = TypeAdapter(_Manifest)


class Bundle:
    """Writes redacted text into the run folder. Names that came from elsewhere never decide where: a file is named by
    us, and the manifest maps it to where it is from. Thread-safe."""

    def __init__(self, run_folder: Path, redactor: Redactor) -> None:
        self._run_folder = run_folder
        self._redactor = redactor
        self._entries: dict[str, _Entry] = {}
        self._missing: dict[tuple[str, str], EvidenceMissing] = {}
        self._unchanged: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def add_text(
        self, source: str, what: str, name: str, text: str, *, truncated: bool = False, span: Span | None = None
    ) -> EvidenceFile:
        """Write `text`, redacted, to a file of its own below the folder of `source` (a host, say).

        `what` is the remote path or the command, `name` only lends the file a readable name. Raises JournalFailed
        when the disk refuses it.
        """
        folder = _safe(self._redactor.text(source))
        with self._lock:
            path = self._free_path(folder, self._redactor.text(plain_name(name)), f"{source}\0{what}")
            # claimed before it is written, so that two threads never take the same name
            self._entries[path] = _Entry(source, what, path, 0, truncated, "", None, None)
        return self._write(path, source, what, text, truncated=truncated, span=span)

    def add_own_text(self, what: str, name: str, text: str) -> EvidenceFile:
        """Write `text`, redacted, to `evidence/<name>`; `name` is one of ours, such as "readings.csv"."""
        if _clean(name) != name:
            raise ValueError(f"{name!r} is no plain file name")
        return self._write(f"{FOLDER}/{name}", "gameday", what, text, truncated=False, span=None)

    def add_missing(self, source: str, what: str, reason: str) -> EvidenceMissing:
        """Note what could not be collected, and why; the first reason is kept."""
        clean = EvidenceMissing(
            source=self._redactor.text(source),
            what=self._redactor.text(plain_name(what)),
            reason=self._redactor.text(plain_name(reason)),
        )
        with self._lock:
            return self._missing.setdefault((clean.source, clean.what), clean)

    def add_unchanged(self, source: str, what: str) -> None:
        """Note a log to which nothing was written during the run: there is no file, and none is missing."""
        with self._lock:
            self._unchanged.add((self._redactor.text(source), self._redactor.text(plain_name(what))))

    def finish(self) -> EvidenceCollected:
        """Write the manifest, in one step, and say what there is. May be called again after more was added; what
        another bundle of the run has put there (a rollback, say) stays in it.

        Raises JournalFailed when the disk refuses it.
        """
        self.take_up()
        with self._lock:
            entries = [e for _, e in sorted(self._entries.items()) if e.sha256]
            missing = tuple(self._missing.values())
            unchanged = sorted(self._unchanged)
        manifest = {
            "schema": SCHEMA,
            "complete": not missing,
            "files": [asdict(e) for e in entries],
            "unchanged": [{"source": source, "what": what} for source, what in unchanged],
            "missing": [m.model_dump() for m in missing],
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        self._put(f"{FOLDER}/{MANIFEST}", text.encode("utf-8", "replace"))
        files = tuple(
            EvidenceFile(path=e.path, source=e.source, what=e.what, bytes=e.bytes, truncated=e.truncated)
            for e in entries
        )
        return EvidenceCollected(complete=not missing, files=files, missing=missing)

    def take_up(self) -> None:
        """Make ours what a manifest that is there already lists; its files are not written over then."""
        try:
            there = _MANIFEST.validate_json((self._run_folder / FOLDER / MANIFEST).read_bytes())
        except (OSError, ValidationError):
            return
        with self._lock:
            for entry in there.files:
                if entry.path not in self._entries and (self._run_folder / entry.path).is_file():
                    self._entries[entry.path] = entry
            for missing in there.missing:
                self._missing.setdefault((missing.source, missing.what), missing)
            self._unchanged.update((line["source"], line["what"]) for line in there.unchanged)

    def _write(
        self, path: str, source: str, what: str, text: str, *, truncated: bool, span: Span | None
    ) -> EvidenceFile:
        data = self._redactor.text(text).encode("utf-8", "replace")
        self._put(path, data)
        entry = _Entry(
            source=self._redactor.text(source),
            what=self._redactor.text(plain_name(what)),
            path=path,
            bytes=len(data),
            truncated=truncated,
            sha256=hashlib.sha256(data).hexdigest(),
            start=span.start if span else None,
            end=span.end if span else None,
        )
        with self._lock:
            self._entries[path] = entry
        return EvidenceFile(path=path, source=entry.source, what=entry.what, bytes=entry.bytes, truncated=truncated)

    def _put(self, path: str, data: bytes) -> None:
        place = self._run_folder / path
        unfinished = place.with_name(f".{place.name}.unfinished")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(data)
            unfinished.replace(place)
        except OSError as error:
            raise JournalFailed(
                f"evidence could not be written: {error.strerror}", where=str(place), mend="free some space"
            ) from error

    def _free_path(self, folder: str, name: str, identity: str) -> str:
        last = PurePosixPath(name)
        known = last.suffix.lower() in _SUFFIXES
        stem = _clean(last.stem if known else last.name)
        ending = last.suffix.lower() if known else ".txt"
        number = 0
        while True:
            digest = hashlib.sha256(f"{identity}\0{number}".encode("utf-8", "surrogateescape")).hexdigest()[:8]
            path = f"{FOLDER}/{folder}/{stem}-{digest}{ending}"
            if path not in self._entries:
                return path
            number += 1


def _clean(name: str) -> str:
    """`name` in letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^a-z0-9._-]+", "_", name.lower())[:_LONGEST_STEM].strip("._") or "file"


def _safe(name: str) -> str:
    """A folder name for a host: as it is when it is plain; unlike names stay unlike."""
    clean = _clean(name)
    if clean == name:
        return clean
    return f"{clean}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"
