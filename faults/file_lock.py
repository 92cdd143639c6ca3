"""One process at a time: a lock file, waited for until a deadline, free again when its holder ends or dies."""

from __future__ import annotations

import contextlib
import fcntl
import threading
from collections.abc import Iterator
from pathlib import Path

from harness.clock import Deadline

_POLL_S = 0.02


@contextlib.contextmanager
def locked(path: Path, deadline: Deadline) -> Iterator[None]:
    """Hold the lock file `path` (its folder is made). Raises TimeoutError when another holds it until `deadline`,
    OSError when the folder can't be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        pause = threading.Event()
        while not _taken(lock.fileno()):
            if deadline.passed:
                raise TimeoutError(f"{path} is held by another process")
            pause.wait(_POLL_S)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
