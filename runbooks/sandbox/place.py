"""Where sandboxes live: <temporary folder>/gameday-<uid>/sandboxes/<name>."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import BadInput, GamedayError

# Others may pass through, since PostgreSQL may run as somebody else, but they can't look around.
PASSABLE = 0o711
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def sandboxes_folder() -> Path:
    """The folder of all sandboxes of this user; it need not exist."""
    return Path(tempfile.gettempdir()) / f"gameday-{os.getuid()}" / "sandboxes"


def folder_of(name: str) -> Path:
    """The folder of the sandbox `name`; BadInput when that is no name for one."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a sandbox", mend="use a-z, 0-9 and -, at most 41 characters")
    return sandboxes_folder() / name


def make_passable(folder: Path) -> None:
    """Makes a folder that is ours alone, with its parent. BadInput when somebody else's stands in its place."""
    for place in (folder.parent, folder):
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise BadInput("it belongs to somebody else", where=str(place), mend="set TMPDIR to a folder of your own")
        place.chmod(PASSABLE)


@contextmanager
def claims() -> Iterator[None]:
    """Inside, no other process of this user takes or gives up a sandbox's name."""
    folder = sandboxes_folder()
    make_passable(folder)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def disk_error(error: OSError, folder: Path) -> GamedayError:
    """What a failed write below `folder` means to a person."""
    where = str(error.filename or folder)
    if error.errno in _FULL:
        return BadInput("the disk is full", where=where, mend="free 200 MB there, or set TMPDIR to a bigger disk")
    if isinstance(error, PermissionError):
        return BadInput("not permitted", where=where, mend="set TMPDIR to a folder of your own")
    return GamedayError(f"the sandbox could not be set up: {error}", where=where)
