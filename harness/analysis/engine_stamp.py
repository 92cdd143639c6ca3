"""The timestamp that a container engine puts before each line of a container's log."""

from __future__ import annotations

import re

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ")


def split_stamp(line: str) -> tuple[str, str]:
    """The engine's timestamp and the line as the program wrote it; "" and the line where there is none.

    Always nine digits and UTC (Docker's jsonlog.RFC3339NanoFixed): no program's own stamp looks like that by chance.
    """
    found = _STAMP.match(line)
    return (found[1], line[found.end() :]) if found else ("", line)
