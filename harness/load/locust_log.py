"""What Locust's own output says in the end, in one line."""

from __future__ import annotations

import re
import signal
from pathlib import Path

_TAIL_BYTES = 65_536
_LONGEST = 400
_PREFIX = re.compile(r"^\[[\d\- :,.]+\] \S+?/(?P<level>[A-Z]+)/[\w.]+: ")
_GOODBYE = re.compile(r"Shutting down \(exit code|Running teardowns|Cleaning up runner|implied by --headless")
_TABLE_ROW = re.compile(r"^\s|^\d+ | \| |^Type\b|^Error report|^# occurrences|^Response time percentiles")
_COMPLAINT = re.compile(r"error|exception|could not|couldn't|unable|unknown|failed|exit", re.IGNORECASE)


def last_useful_line(log: Path) -> str:
    """The last line of the log that says something: a log message or a complaint, no statistics, no traceback."""
    return last_useful_line_of(_tail(log))


def last_useful_line_of(text: str) -> str:
    useful = [line for line in text.splitlines() if _says_something(line)]
    return _PREFIX.sub("", useful[-1]).strip()[:_LONGEST] if useful else ""


def last_words(exit_code: int, log: Path) -> str:
    """Why Locust ended: the signal that killed it, then the last useful line of what it printed."""
    said = last_useful_line(log)
    if exit_code >= 0:
        return said
    killed = f"killed by {_signal_name(-exit_code)}"
    return f"{killed}; before that it said: {said}" if said else killed


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _says_something(line: str) -> bool:
    match = _PREFIX.match(line)
    if match:
        return match["level"] != "DEBUG" and not _GOODBYE.search(line)
    return bool(_COMPLAINT.search(line)) and not _TABLE_ROW.search(line)


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as f:
            f.seek(0, 2)
            f.seek(max(0, f.tell() - _TAIL_BYTES))
            return f.read().decode(errors="replace")
    except OSError:
        return ""
