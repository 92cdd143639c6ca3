"""An extension of Chaos Toolkit, with actions and probes that work, hang, die and tell secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def create(path: str, text: str = "on") -> dict[str, str]:
    """Makes a file."""
    Path(path).write_text(text)
    return {"made": path}


def create_slowly(path: str, ready: str) -> None:
    """Says that it is at work, then takes its time."""
    Path(ready).touch()
    threading.Event().wait(60)
    Path(path).touch()


def remove(path: str) -> None:
    """Takes the file away, if it is there."""
    Path(path).unlink(missing_ok=True)


def exists(path: str) -> bool:
    """Whether the file is there."""
    return Path(path).exists()


def answers(value: Any) -> Any:
    """What it was given."""
    return value


def hang() -> None:
    """Never comes back."""
    threading.Event().wait(60)


def die() -> None:
    """Ends its process, with a last word."""
    sys.stderr.write("no more of this\n")
    sys.stderr.flush()
    os._exit(3)


def shout(text: str) -> None:
    """Prints, and fails."""
    sys.stdout.write("this is no answer\n")
    raise RuntimeError(f"it went wrong with {text}")


def leave_behind() -> int:
    """Starts a process that goes on, and says which."""
    return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE).pid


def settings(configuration: dict[str, str], secrets: dict[str, str]) -> bool:
    """Whether it was given what the test has set."""
    return configuration == {"region": "eu"} and secrets == {"token": "canary-in-a-coal-mine"}
