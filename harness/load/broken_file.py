"""Why a Locust file did not load, and where in the user's own files. Runs in the load process."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 300


@dataclass(frozen=True)
class BrokenFile:
    """`what` is one line, `file` and `line` the place in the user's code; line 0: no place is known."""

    what: str
    file: str
    line: int

    @classmethod
    def by(cls, error: BaseException) -> BrokenFile:
        """From what importing the file raised."""
        if isinstance(error, SyntaxError) and error.filename:
            return cls(f"syntax error: {error.msg}", error.filename, error.lineno or 0)
        what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        if isinstance(error, SystemExit):
            what = f"it calls sys.exit({error.code!r})"
        frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_users(f.filename)]
        place = frames[-1] if frames else None
        return cls(
            f"it raises when imported: {what[:_LONGEST]}",
            place.filename if place else "",
            (place.lineno or 0) if place else 0,
        )


def _is_users(filename: str) -> bool:
    if filename.startswith("<"):
        return False
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    ours = [str(Path(__file__).parent), *libraries, str(Path(sys.prefix) / "bin")]
    return not any(Path(filename).is_relative_to(folder) for folder in ours)
