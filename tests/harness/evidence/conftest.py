"""A door to this machine itself: the scripts that hosts get run in a local shell, without SSH."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.evidence.bundle import Bundle
from harness.evidence.collector import HostPlan, LogCollector
from harness.reach.remote_command import CommandResult
from harness.redaction import Redactor


class LocalDoor:
    """`hook` is called with each command before it runs: it may raise, or change the files."""

    def __init__(self, *, unprivileged: bool = False) -> None:
        self.hook: Callable[[str], None] = lambda command: None
        self.commands: list[str] = []
        self._user = 65534 if unprivileged and os.geteuid() == 0 else None

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = 1 << 22) -> CommandResult:
        self.commands.append(command)
        self.hook(command)
        try:
            done = subprocess.run(
                [b"sh", b"-c", os.fsencode(command)],
                check=False,
                capture_output=True,
                timeout=deadline.left_s() + 0.01,
                user=self._user,
            )
        except subprocess.TimeoutExpired:
            raise ReachTimeout("the command did not end in time") from None
        cut = done.stdout[:max_bytes]
        return CommandResult(cut, done.stderr, done.returncode, truncated=len(cut) < len(done.stdout))


class FailingDoor:
    def run(self, command: str, deadline: Deadline, *, max_bytes: int = 0) -> CommandResult:
        raise ReachFailed("nothing listens there")


class Collected:
    """A collection on this machine: remember, let things happen, collect."""

    def __init__(self, run_folder: Path) -> None:
        self.run_folder = run_folder
        self.bundle = Bundle(run_folder, Redactor(["known-s3cret"]))
        self.door = LocalDoor()
        self.record = self.bundle.finish()

    def during(self, logs: tuple[str, ...], happening: Callable[[], object], commands: tuple[str, ...] = ()) -> None:
        collector = LogCollector([HostPlan("app-1", self.door, logs, commands)])
        self.problems = collector.remember(Deadline.after(10))
        happening()
        collector.collect(self.bundle, 10)
        self.record = self.bundle.finish()

    def texts(self) -> dict[str, str]:
        """The last part of the remote path -> what was collected of it."""
        return {
            file.what.rpartition("/")[2]: (self.run_folder / file.path).read_bytes().decode()
            for file in self.record.files
        }

    def missing(self) -> dict[str, str]:
        return {item.what.rpartition("/")[2]: item.reason for item in self.record.missing}


@pytest.fixture
def collected(tmp_path: Path) -> Collected:
    return Collected(tmp_path / "run")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def doors() -> dict[str, type]:
    return {"local": LocalDoor, "failing": FailingDoor}
