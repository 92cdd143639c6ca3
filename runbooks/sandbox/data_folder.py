"""A PostgreSQL data folder with the practice platform's data in it.

Making one costs about a second and a half of CPU, so it is made once per version into the user's cache, and copied.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.clock import Deadline
from harness.errors import GamedayError
from runbooks.sandbox.crowdfund.credentials import password_hash
from runbooks.sandbox.unprivileged import Runner

_SCHEMA = Path(__file__).with_name("schema.sql")
SUPERUSER = "postgres"
DATABASE = "crowdfund"


@dataclass(frozen=True, slots=True)
class DataFolderMaker:
    """Makes data folders with the programs in `programs`, run as `runner`. `version` is PostgreSQL's."""

    programs: Path
    runner: Runner
    version: str

    def make(self, folder: Path, deadline: Deadline, more: str = "") -> None:
        """Fills `folder`, which must not exist yet; `more` is SQL played over the schema's own data, each statement
        followed by an empty line. GamedayError with PostgreSQL's own words when it can't."""
        template = cache_folder() / "postgresql" / self._key()
        if template.is_dir():
            shutil.copytree(template, folder)
        else:
            folder.mkdir(mode=0o700)
            self.runner.own(folder)
            self._initialise(folder, deadline)
            _keep(folder, template)
        folder.chmod(0o700)
        self.runner.own(folder)
        if more:
            self._single_user(folder, DATABASE, more, deadline)

    def _initialise(self, folder: Path, deadline: Deadline) -> None:
        options = [
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--no-locale",
            "--no-instructions",
            "--wal-segsize=1",
        ]
        self._run(["initdb", "-D", str(folder), "-U", SUPERUSER, *options], "", deadline)
        self._single_user(folder, "postgres", f"create database {DATABASE};\n\n", deadline)
        self._single_user(folder, DATABASE, _schema(), deadline)

    def _single_user(self, folder: Path, database: str, statements: str, deadline: Deadline) -> None:
        """Plays statements that are each followed by an empty line."""
        preload = ["-c", "shared_preload_libraries=pg_stat_statements", "-c", "exit_on_error=on", "-c", "fsync=off"]
        command = ["postgres", "--single", "-j", "-D", str(folder), *preload, database]
        self._run(command, statements, deadline)

    def _run(self, command: list[str], said: str, deadline: Deadline) -> None:
        program = str(self.programs / command[0])
        try:
            done = subprocess.run(
                [program, *command[1:]],
                input=said,
                text=True,
                capture_output=True,
                check=False,
                cwd="/",
                timeout=deadline.left_s(),
                user=self.runner.uid,
                group=self.runner.gid,
                extra_groups=self.runner.extra_groups,
            )
        except subprocess.TimeoutExpired:
            raise GamedayError(f"{command[0]} did not finish in time", where=program) from None
        if done.returncode or "ERROR:" in done.stderr:
            raise GamedayError(f"{command[0]} failed: {done.stderr.strip()[-500:]}", where=program)

    def _key(self) -> str:
        made_of = _schema() + Path(__file__).read_text(encoding="utf-8")
        return f"{self.version}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def cache_folder() -> Path:
    """The user's cache for this program; it need not exist."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "gameday"
    configured = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache") / "gameday"


def _schema() -> str:
    text = _SCHEMA.read_text(encoding="utf-8")
    return text.replace("@PASSWORD_HASH@", password_hash("practice", "gameday-practice")) + "\n\n"


def _keep(made: Path, template: Path) -> None:
    """Puts a copy into the cache, whole or not at all; without a cache, the next time takes longer."""
    try:
        template.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=template.parent, prefix=".new-") as fresh:
            shutil.copytree(made, Path(fresh) / "data")
            Path(fresh, "data").rename(template)
    except OSError:
        return
