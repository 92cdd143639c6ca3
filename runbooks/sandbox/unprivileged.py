"""Who PostgreSQL runs as: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BadInput


@dataclass(frozen=True, slots=True)
class Runner:
    """A user for a child process; `uid` None: the one we are."""

    uid: int | None = None
    gid: int | None = None

    @property
    def extra_groups(self) -> list[int] | None:
        """For subprocess: none of our own groups, when it is somebody else."""
        return None if self.uid is None else []

    def own(self, folder: Path) -> None:
        """Gives a folder and everything in it to this user."""
        if self.uid is None or self.gid is None:
            return
        for place, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                os.chown(Path(place, name), self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether this user may pass through every folder on the way to `path`, and read `path`."""
        if self.uid is None:
            return True
        resolved = path.resolve()
        passable = all(_has(p, self.uid, stat.S_IXOTH, stat.S_IXUSR) for p in resolved.parents)
        return passable and _has(resolved, self.uid, stat.S_IROTH, stat.S_IRUSR)


def postgres_runner() -> Runner:
    """Nobody when we are root, else ourselves. BadInput when this machine has no such user."""
    if os.geteuid() != 0:
        return Runner()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise BadInput(
            "PostgreSQL refuses to run as root, and this machine has no user 'nobody' to run it as",
            mend="run as an ordinary user",
        ) from None
    return Runner(uid=nobody.pw_uid, gid=nobody.pw_gid)


def reachable_copy(source: Path, parts: tuple[str, ...], into: Path) -> Path:
    """Copies `parts` (folders or files below `source`) into `into`, readable for everyone; returns `into`."""
    for part in parts:
        found = source / part
        if found.is_dir():
            shutil.copytree(found, into / part, symlinks=True, dirs_exist_ok=True)
        elif found.exists():
            (into / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, into / part)
    for place, folders, files in os.walk(into):
        for name in (".", *folders, *files):
            path = Path(place, name)
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0))
    return into


def _has(path: Path, uid: int, others: int, owner: int) -> bool:
    found = path.stat()
    return bool(found.st_mode & (owner if found.st_uid == uid else others))
