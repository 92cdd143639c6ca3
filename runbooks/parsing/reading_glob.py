"""A reading of several sources: "*.cpu", "app-*.memory", "container.*.memory_bytes"."""

from __future__ import annotations

from harness.analysis.reading_level import source_glob
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.reading_name import check_reading, readings_of
from runbooks.parsing.validation import Checked
from runbooks.parsing.yaml_source import Place

CONTAINERS = "container."
"""What the sources of containers begin with: which there are, only a run knows."""

ANY_CONTAINER = "container.any"
"""Stands for a container that only the engine knows."""


def is_glob(reading: str) -> bool:
    """Whether it means several sources."""
    return "*" in reading or "?" in reading


def read_sources(reading: str, place: Place, checked: Checked, names: TargetNames | None) -> tuple[str, ...]:
    """The sources of the target that the glob means and that have such a reading; a defect where there is none. () for
    containers: which there are, only a run knows."""
    glob, _, name = reading.rpartition(".")
    if not glob or is_glob(name):
        checked.defect(
            place, f"{reading!r} names no reading", 'write "*.cpu": the sources may have globs, not the reading'
        )
        return ()
    if names is None:
        return ()
    means = source_glob(glob)
    sources = tuple(source for source in sources_of(names) if means(source))
    having = tuple(source for source in sources if name in readings_of(source, names))
    if having or (names.containers is not None and means(ANY_CONTAINER) and name in readings_of(ANY_CONTAINER, names)):
        return having
    if sources:
        check_reading(f"{sources[0]}.{name}", place, checked, names)
    else:
        checked.defect(place, f"{reading!r} means no source of the target", 'write "*.cpu", or the name of one source')
    return ()


def sources_of(names: TargetNames) -> tuple[str, ...]:
    """The sources that the target's file names."""
    return (
        *sorted(names.hosts),
        *(f"database.{name}" for name in sorted(names.databases)),
        *(f"cache.{name}" for name in sorted(names.caches)),
        *sorted(names.processes),
        *(f"{CONTAINERS}{name}" for name in names.containers or ()),
    )
