"""Game days in processes of their own, with a mark in the environment of every process that comes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

GAMEDAY = [sys.executable, "-P", "-c", "from runbooks.entry import main; main()"]


class MarkedProcesses:
    """Started in a folder; all of them end with `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name, self._value = "GAMEDAY_TEST_MARK", uuid.uuid4().hex
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self, *words: str, stdout: int = subprocess.PIPE, env: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """`gameday WORDS`; what it says on either channel goes to `stdout`."""
        process = subprocess.Popen([*GAMEDAY, *words], cwd=self._folder, text=True, stdin=subprocess.DEVNULL,
                                   env={**os.environ, self._name: self._value, **(env or {})}, stdout=stdout,
                                   stderr=subprocess.STDOUT)  # fmt: skip
        self._started.append(process)
        return process

    def living(self, word: str = "") -> list[int]:
        """The processes that came of them and have `word` in their command line."""
        mark, found = f"{self._name}={self._value}".encode(), []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes() and word.encode() in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
        return found

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate(timeout=5)
