"""The processes that a host's entry has watched: names and patterns, checked."""

from __future__ import annotations

import re

from runbooks.parsing.draft import TargetDraft
from runbooks.parsing.validation import Checked

_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ENOUGH = 3
_LONGEST = 300


def check_processes(checked: Checked, draft: TargetDraft) -> None:
    """Defects for a name that readings can't carry, a pattern that fits anything, and two things of one name."""
    for host, entry in draft.hosts.items():
        for name, pattern in entry.processes.items():
            place = ("hosts", host, "processes", name)
            if not _NAME.fullmatch(name):
                checked.defect(place, f"{name!r} is no name for a process", "use letters, digits, '-' and '_'")
            elif f"{host}.{name}" in draft.named["hosts"]:
                checked.defect(place, f"'{host}.{name}' is the name of a host too", "give the process another name")
            if any(not c.isprintable() for c in pattern) or len(pattern) > _LONGEST:
                mend = "write a part of its command line"
                checked.defect(place, f"the pattern of {name!r} is no text of one line", mend)
            elif len(re.sub(r"[\s*]", "", pattern)) < _ENOUGH:
                what = f"the pattern {pattern!r} is in too many command lines"
                checked.defect(place, what, f"write at least {_ENOUGH} characters of its command line, besides '*'")
