"""The run folder: `runs/<run-id>/`, with the inputs as played, and `runs/latest`."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.clock import Clock
from harness.errors import BadInput
from harness.journal.record import FileHash
from harness.redaction import Redactor
from runbooks.process import ProcessId
from runbooks.runbook import Runbook
from runbooks.target import Target

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder; `run` is its id, which sorts by time."""

    path: Path
    run: str
    inputs: dict[str, str]
    copies: tuple[FileHash, ...] = ()  # of the folder's own, redacted copies

    @classmethod
    def create(cls, runs: Path, runbook: Runbook, target: Target, clock: Clock, redactor: Redactor) -> RunFolder:
        """A new folder with the inputs as played, and `runs/latest` pointing to it.

        Raises BadInput when the folder can't be written.
        """
        stamp = clock.started_at.strftime("%Y%m%d-%H%M%S")
        run = f"{stamp}-{_slug(runbook.path.stem)}-{secrets.token_hex(2)}"
        path = runs.absolute() / run
        files = {
            "runbook.yaml": runbook.text.encode(),
            "target.yaml": target.text.encode(),
            runbook.load.locustfile.name: runbook.load.locustfile.read_bytes(),
        }
        copies = {name: redactor.text(content.decode(errors="replace")).encode() for name, content in files.items()}
        try:
            (path / "journal").mkdir(parents=True)
            for name, copy in copies.items():
                (path / name).write_bytes(copy)
            ProcessId.own().write(path / "conductor.pid")
            _point_latest(runs, run)
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            raise BadInput(
                f"the run folder can't be written: {error.strerror}",
                where=str(error.filename2 or error.filename or path),
                mend="free some space, mend the rights or choose another folder with --runs",
            ) from error
        hashes = tuple(FileHash(path=name, sha256=digest) for name, digest in _hashes(copies).items())
        return cls(path, run, _hashes(files), hashes)


def find_run(runs: Path, name: str) -> Path:
    """The folder of a run by its id, a path to it, or "latest". Raises BadInput with what there is."""
    for path in (runs / name, Path(name)):
        with suppress(OSError):  # a name too long, or a folder that may not be looked into, is no run either
            if (path / "journal").is_dir():
                return path.resolve()
    known = [p.name for p in all_runs(runs)][-5:]
    there = f"the newest are {', '.join(known)}" if known else f"there are none in {runs}"
    raise BadInput(f"no run {name!r}", where=str(runs), mend=there)


def all_runs(runs: Path) -> Iterator[Path]:
    """Every run folder in `runs`, oldest first."""
    if runs.is_dir():
        yield from sorted(p for p in runs.iterdir() if not p.is_symlink() and (p / "journal").is_dir())


def conductor_of(run_folder: Path) -> ProcessId | None:
    """The living conductor of a run; None when it has ended or died."""
    process = ProcessId.read(run_folder / "conductor.pid")
    return process if process is not None and process.alive else None


def _point_latest(runs: Path, run: str) -> None:
    fresh = runs / f".latest-{run}"
    fresh.symlink_to(run)
    try:
        fresh.replace(runs / LATEST)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def _hashes(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:30] or "run"
