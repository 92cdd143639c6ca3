"""A game day in a process of its own, as a person plays it, for the tests of several files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from eventually import until

from harness.journal import reader

SCENARIO = Path(__file__).parents[2] / "runbooks" / "scenarios" / "crowdfund.py"
GAMEDAY = [sys.executable, "-P", "-c", "from runbooks.cli import main; main()"]


class GameDayProcess:
    """`gameday ARGS` in `folder`, with its runs there. `env` goes over the environment, which has no Slack token."""

    def __init__(self, folder: Path, *args: str | Path, env: dict[str, str] | None = None) -> None:
        self.runs = folder / "runs"
        clean = {k: v for k, v in os.environ.items() if k != "SLACK_BOT_TOKEN"} | (env or {})
        command = [*GAMEDAY, *map(str, args), "--runs", str(self.runs)]
        self.process = subprocess.Popen(command, cwd=folder, env=clean, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        self.output = ""

    @property
    def folder(self) -> Path:
        """The newest run folder."""
        return (self.runs / "latest").resolve()

    @property
    def result(self) -> dict[str, Any]:
        """`result.json` of the newest run."""
        read: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return read

    def wait_for(self, kind: type, within_s: float = 90) -> None:
        """Until the journal holds a record of this kind; a run that ends before fails."""

        def there() -> bool:
            ended = self.process.poll() is not None
            found = self.runs.exists() and reader.read(self.folder).first(kind) is not None
            assert found or not ended, self.process.communicate()[0]
            return found

        until(there, within_s)

    def end(self, timeout_s: float = 150) -> int:
        """The exit code, once it has ended."""
        self.output, _ = self.process.communicate(timeout=timeout_s)
        assert "Traceback" not in self.output
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.output, _ = self.process.communicate(timeout=5)
