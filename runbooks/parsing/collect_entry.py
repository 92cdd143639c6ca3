"""What `emergency.collect` names: hosts, the containers as a whole, or containers one by one."""

from __future__ import annotations

from typing import Any

from runbooks.parsing.draft import TargetNames
from runbooks.parsing.reading_glob import CONTAINERS
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked

ALL_CONTAINERS = "containers"


def check_collect(entries: list[Any], checked: Checked, names: TargetNames) -> None:
    """Defects for what the target doesn't have. Which containers there are besides those named, only a run knows."""
    known = {*names.hosts, *(names.containers or ()), *({ALL_CONTAINERS} if names.containers is not None else ())}
    for index, entry in enumerate(entries):
        if not isinstance(entry, str) or entry in known:
            continue
        place = ("emergency", "collect", index)
        if entry == ALL_CONTAINERS or entry.startswith(CONTAINERS):
            if names.containers is None:
                mend = "add containers: {labels: {...}} to the target, or take it out"
                checked.defect(place, f"{entry!r}: the target has no containers", mend)
        else:
            what = "the target's hosts are" if known == names.hosts else "what can be collected is"
            checked.defect(place, f"unknown host {entry!r}", suggest(entry, known, what=what))


def everything(names: TargetNames | None) -> tuple[str, ...]:
    """What is collected by default: all hosts that have logs or commands, and all containers."""
    if names is None:
        return ()
    return (*names.hosts_with_logs, *((ALL_CONTAINERS,) if names.containers is not None else ()))
