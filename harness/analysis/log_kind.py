"""What a log line says, without what differs from line to line: its severity and its text with numbers masked.

Known formats: nginx's error log, PostgreSQL's, Python's logging, JSON with a level, and anything that names a level.
Lines that belong to the line above (tracebacks, PostgreSQL's DETAIL and STATEMENT) have no kind of their own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]

_LEVELS: dict[str, Severity] = {
    **dict.fromkeys(("emerg", "alert", "crit", "critical", "error", "err", "fatal", "panic", "severe"), "error"),
    **dict.fromkeys(("warn", "warning"), "warning"),
    **dict.fromkeys(("notice", "info", "log", "debug", "trace", "statement", "hint"), "info"),
}
_NGINX_ERROR = re.compile(
    r"^\d{4}/\d\d/\d\d [\d:]+ \[(?P<level>\w+)\] \d+#\d+: (?:\*\d+ )?(?P<text>.*?)(?:, client: .*)?$"
)
_POSTGRES = re.compile(r"\b(?P<level>DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  (?P<text>.*)$")
_POSTGRES_MORE = re.compile(r"\b(?:STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION):  ")
_LEVEL = re.compile(r"\b(?P<level>" + "|".join(_LEVELS) + r")\b[\]:)|,]*\s+(?P<text>.*)$", re.IGNORECASE)
_STAMP = re.compile(r"^\W*(?:\d{4}[-/]\d\d[-/]\d\d[T ]\S+|[A-Z][a-z]{2} [ \d]\d [\d:]+)\s*")
_MASKS = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?:0x)?[0-9a-fA-F]{12,}\b"), "<hex>"),
    (re.compile(r'"(?:[^"\\]|\\.){0,400}"|\'[^\']{0,200}\''), '"…"'),
    (re.compile(r"\b\d+(?:[.:]\d+)*(?:\s?(?:ms|s|us|kB|MB|GB|bytes)\b)?"), "#"),
    (re.compile(r"(?<=\w)[-_]\d+|(?<=[A-Za-z/])\d+"), "#"),
)
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class LogKind:
    """`text` is the same for all lines of the kind."""

    severity: Severity
    text: str


def kind_of(line: str) -> LogKind | None:
    """The line's kind; None for an empty line and one that belongs to the line above."""
    if not line.strip() or line[0] in " \t" or _POSTGRES_MORE.search(line):
        return None
    if line.startswith("{"):
        return _of_json(line)
    for pattern in (_NGINX_ERROR, _POSTGRES, _LEVEL):
        if match := pattern.search(line):
            level = match["level"].lower().rstrip("12345")
            return LogKind(_LEVELS.get(level, "info"), masked(match["text"]))
    # a line of its own has a time; the middle of something longer doesn't
    stamp = _STAMP.match(line)
    return LogKind("info", masked(line[stamp.end() :])) if stamp else None


def masked(text: str) -> str:
    """`text` with numbers, ids and quoted values masked, and of bounded length."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def _of_json(line: str) -> LogKind | None:
    try:
        said = json.loads(line)
    except ValueError:
        return LogKind("info", masked(line))
    if not isinstance(said, dict):
        return None
    level = str(said.get("level") or said.get("severity") or said.get("levelname") or "info").lower()
    text = said.get("message") or said.get("msg") or said.get("event") or line
    return LogKind(_LEVELS.get(level, "info"), masked(str(text)))
