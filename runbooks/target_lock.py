"""One game day at a time against one target, on this machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import Refused
from runbooks.target import Target


class TargetLock:
    """A lock that the kernel lets go when its holder dies. Raises Refused on entry, naming the holder: the run, and the
    folder of runs where `gameday stop` finds it."""

    def __init__(self, target: Target, run_folder: Path) -> None:
        self._holder = run_folder
        self._target = target
        what = f"{target.base_url} {target.toxiproxy.url if target.toxiproxy else ''}"
        name = hashlib.sha256(what.encode()).hexdigest()[:16]
        self._path = Path(tempfile.gettempdir()) / f"gameday-{os.getuid()}" / "locks" / name
        self._fd = -1

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = Path(os.fsdecode(os.read(self._fd, 5000)))
            os.close(self._fd)
            raise Refused(
                f"another game day holds this target: run {holder.name}",
                where=self._target.base_url,
                mend=f"wait for it, or end it with: gameday stop {shlex.quote(str(holder))}",
            ) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, os.fsencode(self._holder))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._fd)
