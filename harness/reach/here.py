"""The door to this machine: one command of `sh`, in a process group of its own, that ends by its deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.remote_command import CommandResult

MAX_BYTES: Final = 4 * 1024 * 1024
WHERE: Final = "here"
_TERM_S: Final = 1.0


def run_here(command: str, deadline: Deadline, *, folder: Path, max_bytes: int = MAX_BYTES) -> CommandResult:
    """What `sh -c command` wrote in `folder`, at most `max_bytes` of each output.

    Nothing is typed into it, and at the deadline it is ended with all that it started in its group. Raises ReachTimeout
    then, ReachFailed when it can't be started.
    """
    # files, not pipes: what the command leaves running in the background must not hold us up
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            text = f"the command can't be started in {folder}: {error.strerror}"
            raise ReachFailed(text, where=WHERE, mend="does the folder still exist?") from error
        try:
            code = process.wait(deadline.left_s())
        except subprocess.TimeoutExpired:
            _end(process)
            raise ReachTimeout("the command did not end in time, and was ended", where=WHERE) from None
        except BaseException:
            _end(process)
            raise
        sizes = [os.fstat(file.fileno()).st_size for file in (out, err)]
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(max_bytes))
    return CommandResult(texts[0], texts[1], code, truncated=max(sizes) > max_bytes)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, wait_s in ((signal.SIGTERM, _TERM_S), (signal.SIGKILL, _TERM_S)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
            if number == signal.SIGKILL:
                return
