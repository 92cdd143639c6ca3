"""The `gameday` program. What it is made of takes a second to import: a Ctrl-C in that second ends in one line too."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Hands over to the front door once that is there."""
    before = signal.signal(signal.SIGINT, _interrupted)
    from runbooks.cli import main as front_door  # noqa: PLC0415 - what takes long must come after the handler

    signal.signal(signal.SIGINT, before)
    front_door()


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    # nothing has been started yet, and an exception in the middle of an import may be swallowed
    os.write(2, b"interrupted\n")
    os._exit(11)
