"""The inputs of a game day: a runbook and a target, as two frozen values, or every defect of both at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runbooks.parsing.as_played import AsPlayed
from runbooks.parsing.defects import raise_if_any
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.runbook_file import read_runbook
from runbooks.parsing.target_file import read_target
from runbooks.runbook import Runbook
from runbooks.target import Target


def load_inputs(
    runbook_path: Path,
    target_path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    allow_also: tuple[str, ...] = (),
) -> tuple[Runbook, Target]:
    """The runbook and the target. `environment` is what `${NAME}` refers to, the process's by default; `allow_also` is
    added to the target's allow list.

    Raises BadInput with the defects of both files; the runbook is checked against what of the target can be read.
    """
    known = os.environ if environment is None else environment
    target = read_target(target_path, known, allow_also=allow_also)
    runbook = read_runbook(runbook_path, target.names, known)
    raise_if_any(runbook.defects, target.defects)
    assert runbook.runbook is not None
    assert target.target is not None
    return runbook.runbook, target.target


def check_runbook(path: Path) -> None:
    """All that can be said of a runbook without its target. Raises BadInput with every defect."""
    raise_if_any(read_runbook(path, None, os.environ).defects)


def load_target(
    path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
    allow_also: tuple[str, ...] = (),
) -> Target:
    """The target alone; `text` stands in for what is in the file. Raises BadInput with every defect."""
    reading = read_target(path, os.environ if environment is None else environment, text, allow_also)
    raise_if_any(reading.defects)
    assert reading.target is not None
    return reading.target


def load_runbook(
    path: Path, target: Target, *, environment: Mapping[str, str] | None = None, played: AsPlayed | None = None
) -> Runbook:
    """The runbook, checked against a target that has been read; `played` stands in for what is in the file.

    Raises BadInput with every defect."""
    reading = read_runbook(path, TargetNames.of(target), os.environ if environment is None else environment, played)
    raise_if_any(reading.defects)
    assert reading.runbook is not None
    return reading.runbook
