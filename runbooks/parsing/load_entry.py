"""The load as a person writes it: what can be said of a Locust file without importing it."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from harness.errors import Defect
from runbooks.parsing.runbook_entries import LoadEntry
from runbooks.parsing.validation import Checked
from runbooks.runbook import LoadPlan

# what the runbook or the harness says by itself, and where it is said
_OURS = {
    "-f": "load.locustfile",
    "--locustfile": "load.locustfile",
    "-u": "load.users",
    "--users": "load.users",
    "-r": "load.spawn_rate",
    "--spawn-rate": "load.spawn_rate",
    "-T": "load.tags",
    "--tags": "load.tags",
    "-E": "load.exclude_tags",
    "--exclude-tags": "load.exclude_tags",
    "-H": "the target's base_url",
    "--host": "the target's base_url",
    "-t": "phases",
    "--run-time": "phases",
    "--processes": "load.processes",
    "-P": "gameday's own option --web-port",
    "--web-port": "gameday's own option --web-port",
    "--headful": "gameday's own option --web-ui",
}


def read_load(entry: LoadEntry, folder: Path) -> LoadPlan:
    """The load of a runbook in `folder`."""
    return LoadPlan(
        locustfile=_path(entry.locustfile, folder),
        tags=tuple(entry.tags),
        exclude_tags=tuple(entry.exclude_tags),
        users=entry.users,
        spawn_rate=entry.spawn_rate,
        args=tuple(entry.args),
        processes=entry.processes,
    )


def check_load(folder: Path, checked: Checked) -> None:
    """Defects of what stands under `load`, whether the rest of it is sound or not."""
    locustfile = checked.source.at(("load", "locustfile"))
    if isinstance(locustfile, str) and locustfile:
        _check_file(_path(locustfile, folder), locustfile, checked)
    tags, excluded, args = (checked.source.at(("load", key)) for key in ("tags", "exclude_tags", "args"))
    if isinstance(tags, list) and isinstance(excluded, list):
        both = [tag for tag in excluded if tag in tags]
        if both:
            checked.defect(("load", "exclude_tags"), f"the tag {both[0]!r} is asked for and excluded", "choose one")
    for index, arg in enumerate(args if isinstance(args, list) else []):
        ours = _OURS.get(str(arg).partition("=")[0])
        if ours is not None:
            checked.defect(("load", "args", index), f"the argument {arg!r} is not for args", f"write it as {ours}")


def _path(written: str, folder: Path) -> Path:
    return (folder / Path(written).expanduser()).resolve()


def _check_file(path: Path, written: str, checked: Checked) -> None:
    place = ("load", "locustfile")
    if place in checked.source.broken:
        return
    if path.is_dir():
        checked.defect(place, f"{written!r} is a folder", "name one Locust file")
        return
    try:
        source = path.read_bytes()
    except OSError as error:
        mend = "the path is relative to the runbook's folder"
        checked.defect(place, f"the Locust file {written!r} can't be read: {error.strerror}", mend)
        return
    defect = syntax_defect(source, path)
    if defect is not None:
        checked.defect(place, f"the Locust file can't be compiled: {defect.what} in {defect.file}:{defect.line}")


def syntax_defect(source: bytes, path: Path) -> Defect | None:
    """What keeps Python from compiling the file; nothing of it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source, filename=str(path))
    except SyntaxError as error:
        return Defect(str(path), error.lineno or 1, error.msg)
    except (ValueError, RecursionError):
        return Defect(str(path), 1, "it is no Python source")
    return None
