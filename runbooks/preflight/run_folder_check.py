"""The folder for the run: room on the disk, and the right to write there. Nothing is written to find out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.scene import Scene

AREA = "run folder"
LEAST_BYTES = 100_000_000
ENOUGH_BYTES = 1_000_000_000


def check_run_folder(scene: Scene) -> list[Check]:
    """One line."""
    runs = scene.options.runs.absolute()
    there = _nearest(runs)
    shown = str(scene.options.runs)
    if not there.is_dir():
        return [bad(AREA, shown, f"{there} is no folder", "choose another with --runs")]
    if not os.access(there, os.W_OK | os.X_OK):
        return [bad(AREA, shown, f"no right to write in {there}", "mend the rights, or choose another with --runs")]
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return [warning(AREA, shown, f"free space unknown: {error.strerror}")]
    text = f"{free / 1e9:.1f} GB free"
    if free < LEAST_BYTES:
        return [bad(AREA, shown, f"the disk is full: {free / 1e6:.0f} MB free", "free some space")]
    return [good(AREA, shown, text) if free >= ENOUGH_BYTES else warning(AREA, shown, text, "free some space")]


def _nearest(path: Path) -> Path:
    """The nearest of `path` and the folders above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
