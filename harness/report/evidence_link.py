"""Links from a report to the files beside it: never out of the run folder, never to another scheme."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote


def relative(path: str) -> str:
    """A relative URL of a file inside the run folder; "" where the path is absolute or climbs out of it."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\x00" in path:
        return ""
    return quote(str(pure), safe="/-_.~")
