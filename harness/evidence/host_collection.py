"""What is collected from one host: its logs since the start of the run, and the output of commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeVar

from harness.clock import Deadline
from harness.errors import GamedayError, JournalFailed, ReachFailed, ReachTimeout
from harness.evidence.bundle import Bundle, Span
from harness.evidence.log_position import LogDoor, LogFile, LogPosition, LogScan, find_inodes, scan
from harness.evidence.log_text import FileChanged, LogText, fetch
from harness.evidence.plain_text import plain_text
from harness.evidence.rotation import Lost, NewBytes, written_since
from harness.journal.record import EvidenceMissing
from harness.reach.remote_command import CommandResult

T = TypeVar("T")

COMMAND_TIMEOUT_S = 10.0
_COMMAND_MAX_BYTES = 1 << 20
_NOT_RUN = {126: "may not be run", 127: "is not there"}


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A host, the door to it, and what is wanted from it. `logs` are paths or globs."""

    name: str
    door: LogDoor
    logs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


class HostCollection:
    """The collection from one host. Nothing in it raises: what could not be had is missing, with its reason."""

    def __init__(self, plan: HostPlan) -> None:
        self.plan = plan
        self._before: tuple[LogPosition, ...] | None = None
        self._why_not = "the host did not answer at the start of the run"

    @property
    def name(self) -> str:
        """The host's."""
        return self.plan.name

    def remember(self, deadline: Deadline) -> tuple[EvidenceMissing, ...]:
        """Note where the logs stand now; what can't be looked at comes back, and is looked for again at the end."""
        try:
            found = scan(self.plan.door, self.plan.logs, deadline)
            if deadline.passed:
                # the run has begun by now: these positions would hide what it has written already
                raise ReachFailed("it answered too late")
        except GamedayError as error:
            self._why_not = f"the host was not reached at the start of the run: {error.what}"
            return (self._missing("logs", self._why_not),) if self.plan.logs else ()
        self._before = tuple(LogPosition.of(file) for file in found.files)
        return tuple(self._missing(path, reason) for path, reason in found.problems)

    def collect(self, bundle: Bundle, deadline: Deadline, wanted: Callable[[], bool] = lambda: True) -> None:
        """Put everything into `bundle`. It ends at `deadline`, and as soon as `wanted` says no."""
        self._collect_logs(bundle, deadline, wanted)
        for command in self.plan.commands:
            if wanted():
                self._collect_command(bundle, command, deadline)

    def _collect_logs(self, bundle: Bundle, deadline: Deadline, wanted: Callable[[], bool]) -> None:
        if not self.plan.logs:
            return
        try:
            if self._before is None:
                raise ReachFailed(self._why_not)
            found = self._patiently(lambda: scan(self.plan.door, self.plan.logs, deadline), deadline)
            new, lost = self._since(found, self._before, deadline)
        except GamedayError as error:
            problems = [(glob, error.what) for glob in self.plan.logs]
            new = ()
        else:
            problems = [*found.problems, *((gone.position.path, gone.reason) for gone in lost)]
        for path, reason in problems:
            bundle.add_missing(self.plan.name, path, reason)
        for piece in new:
            if wanted():
                self._collect_piece(bundle, piece, deadline)

    def _since(
        self, found: LogScan, before: tuple[LogPosition, ...], deadline: Deadline
    ) -> tuple[tuple[NewBytes, ...], tuple[Lost, ...]]:
        """What is new; a rotated file is looked for by its inode in its folder, where it may have any name."""
        new, lost = written_since(before, found.files)
        folders: dict[str, list[str]] = {}
        for gone in lost:
            folder = str(PurePosixPath(gone.position.path).parent)
            folders.setdefault(folder, []).append(gone.position.inode)
        elsewhere: list[LogFile] = []
        for folder, inodes in folders.items():
            elsewhere += find_inodes(self.plan.door, folder, inodes, deadline)
        seen = {file.inode for file in found.files}
        elsewhere = [file for file in elsewhere if file.inode not in seen]
        return written_since(before, (*found.files, *elsewhere)) if elsewhere else (new, lost)

    def _collect_piece(self, bundle: Bundle, new: NewBytes, deadline: Deadline) -> None:
        path, host = new.file.path, self.plan.name
        if new.start == new.end:
            bundle.add_unchanged(host, path)
            return
        try:
            got = self._patiently(lambda: self._fetch(new, deadline), deadline)
            name = PurePosixPath(path).name
            bundle.add_text(host, path, name, got.text, truncated=got.truncated, span=Span(new.start, new.end))
        except (ReachFailed, JournalFailed) as error:
            bundle.add_missing(host, path, error.what)
            return
        if got.short:
            bundle.add_missing(host, path, "the file shrank while it was read: its end is not whole")

    def _fetch(self, new: NewBytes, deadline: Deadline) -> LogText:
        """The text of `new`, under another name if the file was rotated since it was looked at."""
        try:
            return fetch(self.plan.door, new, deadline)
        except FileChanged:
            folder = str(PurePosixPath(new.file.path).parent)
            moved = find_inodes(self.plan.door, folder, [new.file.inode], deadline)
            if not moved:
                raise
            return fetch(self.plan.door, replace(new, file=moved[0]), deadline)

    def _patiently(self, read: Callable[[], T], deadline: Deadline) -> T:
        """`read` once more if its connection was lost: others may share the door, and reading twice does no harm."""
        try:
            return read()
        except (ReachTimeout, FileChanged):
            raise
        except ReachFailed:
            if deadline.passed:
                raise
            return read()

    def _collect_command(self, bundle: Bundle, command: str, deadline: Deadline) -> None:
        host = self.plan.name
        limit = Deadline(min(deadline.at_boot_s, Deadline.after(COMMAND_TIMEOUT_S).at_boot_s))
        try:
            result = self.plan.door.run(command, limit, max_bytes=_COMMAND_MAX_BYTES)
            if result.exit_code in _NOT_RUN:
                said = plain_text(result.stderr).strip()[:200]
                bundle.add_missing(host, command, f"the command {_NOT_RUN[result.exit_code]}: {said}")
                return
            bundle.add_text(host, command, command, _shown(command, result), truncated=result.truncated)
        except (ReachFailed, JournalFailed) as error:
            bundle.add_missing(host, command, error.what)

    def _missing(self, what: str, reason: str) -> EvidenceMissing:
        return EvidenceMissing(source=self.plan.name, what=what, reason=reason)


def _shown(command: str, result: CommandResult) -> str:
    """A command and its output, as on a terminal."""
    stderr = plain_text(result.stderr)
    parts = [f"$ {command}", plain_text(result.stdout).rstrip("\n")]
    if stderr.strip():
        parts += ["[standard error]", stderr.rstrip("\n")]
    if result.truncated:
        parts.append("[... the rest left out by gameday ...]")
    elif result.exit_code:
        parts.append(f"[exit code {result.exit_code}]")
    return "\n".join(parts) + "\n"
