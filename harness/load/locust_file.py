"""What a Locust file has in it, found out by a child process: importing it here would patch our sockets."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.clock import Deadline
from harness.errors import BadInput
from harness.load.locust_command import allow_arguments, check_file, child_command
from harness.load.locust_log import last_useful_line
from harness.load.process_group import ProcessGroup

_KILLED_WITHIN_S = 2.0


@dataclass(frozen=True)
class LocustFileFacts:
    """The User classes that would run, all tags on their tasks, and whether a LoadTestShape steers the users."""

    users: tuple[str, ...]
    tags: tuple[str, ...]
    has_shape: bool


def inspect(
    locustfile: Path, args: tuple[str, ...], cwd: Path, deadline: Deadline, allow: tuple[str, ...] = ()
) -> LocustFileFacts:
    """Import the file as Locust would, with `args`, in `cwd`; it may connect to what `allow` has (to anything: ()).

    Raises BadInput, with one message: not readable, a syntax error, raises at import (with the line in the user's
    file), hangs, has no User class, or Locust refuses the arguments.
    """
    path = check_file(locustfile)
    with tempfile.TemporaryDirectory(prefix="gameday-") as folder:
        answer, log = Path(folder) / "answer.json", Path(folder) / "log"
        command = child_command(
            "harness.load.inspect_entry", *allow_arguments(allow), str(answer), "--headless", "--autostart",
            "--locustfile", str(path), *args,
        )  # fmt: skip
        if not _run(command, cwd, log, deadline):
            raise BadInput("importing the Locust file takes too long: it hangs or waits for something", where=str(path))
        return _facts(_read(answer, log, path), path)


def _run(command: list[str], cwd: Path, log: Path, deadline: Deadline) -> bool:
    """True when the child ended by the deadline; nothing of its group is left either way."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    group = ProcessGroup(child)
    try:
        while not group.leader_exited and not deadline.passed:
            group.wait_empty(Deadline.after(min(0.05, deadline.left_s())))
        return group.leader_exited
    finally:
        group.kill()
        group.wait_empty(Deadline.after(_KILLED_WITHIN_S))


def _read(answer: Path, log: Path, path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(answer.read_text())
    except (OSError, ValueError):
        said = last_useful_line(log) or "it ended without a word"
        raise BadInput(f"Locust refuses its input: {said}", where=str(path)) from None
    return read


def _facts(answer: dict[str, Any], path: Path) -> LocustFileFacts:
    if "broken" in answer:
        broken = answer["broken"]
        file = broken["file"] or str(path)
        where = f"{file}:{broken['line']}" if broken["line"] else file
        raise BadInput(f"the Locust file does not load: {broken['what']}", where=where)
    if answer["missing"]:
        known = ", ".join(answer["users"]) or "none"
        raise BadInput(
            f"the Locust file has no user class {', '.join(answer['missing'])}",
            where=str(path),
            mend=f"it has: {known}",
        )
    if not answer["users"]:
        raise BadInput(
            "the Locust file has no User class", where=str(path), mend="derive one from HttpUser or FastHttpUser"
        )
    return LocustFileFacts(tuple(answer["users"]), tuple(answer["tags"]), bool(answer["has_shape"]))
