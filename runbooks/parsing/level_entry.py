"""A service level as a person writes it: on requests, on a reading, on crashes, or an invariant."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.analysis.reading_level import source_glob
from harness.analysis.service_level import By, CrashLevel, ReadingLevel, RequestLevel, ServiceLevel
from runbooks.parsing.amount import Length, Rate, ReadingValue, Text
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.invariant_entry import (
    CommandLevelEntry,
    InvariantEntry,
    QueryLevelEntry,
    UrlLevelEntry,
    check_names,
    read_invariant,
)
from runbooks.parsing.reading_glob import ANY_CONTAINER, CONTAINERS, is_glob, read_sources, sources_of
from runbooks.parsing.reading_name import check_limits, check_reading
from runbooks.parsing.request_glob import check_glob
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.toolkit_entry import ProbeLevelEntry
from runbooks.parsing.validation import Checked, Entry
from runbooks.parsing.yaml_source import Place


class RequestLevelEntry(Entry):
    """Limits on requests whose "METHOD name" matches a glob."""

    name: Text
    requests: Text = Field(description='"METHOD name" by Locust\'s request names, with globs: "* /api/v1/*"')
    p50: Length | None = None
    p95: Length | None = None
    p99: Length | None = None
    mean: Length | None = None
    max: Length | None = None
    error_rate: Rate | None = None


class ReadingLevelEntry(Entry):
    """A limit on a reading over a phase."""

    name: Text
    reading: Text = Field(description='"app-1.cpu", "database.main.active", "cache.main.hit_rate"; several: "*.cpu"')
    max: ReadingValue | None = None
    min: ReadingValue | None = None
    by: By = Field(default="mean", description="mean of the phase, its peak (the worst reading), or its end")


class CrashLevelEntry(Entry):
    """Nothing of the platform dies or is started again unasked."""

    name: Text
    crashes: Literal["none"]
    of: Text = Field(default="*", description='"container.api", "database.*", "app-1.nginx"; everything if left out')


MODELS: dict[str, type[Entry]] = {
    "requests": RequestLevelEntry,
    "reading": ReadingLevelEntry,
    "crashes": CrashLevelEntry,
    "query": QueryLevelEntry,
    "url": UrlLevelEntry,
    "command": CommandLevelEntry,
    "probe": ProbeLevelEntry,
}
_LIMITS: dict[str, tuple[str, ...]] = {
    "requests": ("p50", "p95", "p99", "mean", "max", "error_rate"),
    "reading": ("max", "min"),
}
_EXAMPLE = (
    'write requests: "* /api/*", reading: app-1.cpu, crashes: none, query: {database: ..., sql: ..., equals: ...}, '
    "url: {get: ...}, command: {host: ..., run: ...} or probe: {module: ..., func: ..., tolerance: ...}"
)


def read_levels(entries: list[Any], checked: Checked, names: TargetNames | None) -> tuple[ServiceLevel, ...]:
    """Every level that could be read; defects are in `checked`."""
    levels: list[ServiceLevel] = []
    seen: dict[str, Place] = {}
    for index, entry in enumerate(entries):
        place: Place = ("service_levels", index)
        level = _read(entry, place, checked, names)
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and seen.setdefault(name, place) != place:
            first = checked.source.line(seen[name])
            checked.defect(place, f"a second service level named {name!r}", f"the first is in line {first}: rename one")
        if level is not None:
            levels.append(level)
    return tuple(levels)


def _read(entry: Any, place: Place, checked: Checked, names: TargetNames | None) -> ServiceLevel | None:
    if not isinstance(entry, dict):
        return None
    kinds = [kind for kind in MODELS if kind in entry]
    if len(kinds) != 1:
        what = f"a service level is on {' or on '.join(kinds)}, not on both" if kinds else "a service level on nothing"
        unknown = [key for key in entry if key not in ("name", *_LIMITS["requests"])]
        hint = suggest(unknown[0], MODELS) if unknown and not kinds else ""
        checked.defect(place, what, hint if hint.startswith("did") else _EXAMPLE)
        return None
    kind = kinds[0]
    read = checked.model(MODELS[kind], entry, place)
    limits = _LIMITS.get(kind, ())
    if limits and all(entry.get(limit) is None for limit in limits):
        checked.defect(place, "a service level without a limit", f"add one of: {', '.join(limits)}")
    if isinstance(read, RequestLevelEntry):
        return _request(read, place, checked)
    sources = _sources(entry.get("reading"), place, checked, names)
    check_names(place, checked, names)
    if isinstance(read, ReadingLevelEntry):
        return _reading(read, place, checked, sources)
    if isinstance(read, CrashLevelEntry):
        return _crashes(read, place, checked, names)
    return read_invariant(read, place, checked) if isinstance(read, InvariantEntry) else None


def _sources(reading: object, place: Place, checked: Checked, names: TargetNames | None) -> tuple[str, ...]:
    """The sources that a glob over readings means, as far as the files tell."""
    if not isinstance(reading, str):
        return ()
    at = (*place, "reading")
    if is_glob(reading):
        return read_sources(reading, at, checked, names)
    check_reading(reading, at, checked, names)
    return ()


def _request(read: RequestLevelEntry, place: Place, checked: Checked) -> RequestLevel:
    check_glob(read.requests, (*place, "requests"), checked)
    return RequestLevel(
        name=read.name,
        requests=read.requests,
        p50_ms=_ms(read.p50),
        p95_ms=_ms(read.p95),
        p99_ms=_ms(read.p99),
        mean_ms=_ms(read.mean),
        max_ms=_ms(read.max),
        error_rate=read.error_rate,
    )


def _reading(read: ReadingLevelEntry, place: Place, checked: Checked, sources: tuple[str, ...]) -> ReadingLevel:
    limits = {"max": read.max, "min": read.min}
    check_limits(read.reading, (*place, "reading"), limits, checked)
    if read.max is not None and read.min is not None and read.min > read.max:
        checked.defect((*place, "min"), "min is above max", "swap them")
    return ReadingLevel(read.name, read.reading, max=read.max, min=read.min, by=read.by, sources=sources)


def _crashes(read: CrashLevelEntry, place: Place, checked: Checked, names: TargetNames | None) -> CrashLevel:
    """A slip of the pen in `of` would watch nothing."""
    if names is not None:
        means = source_glob(read.of)
        watched = [source for source in sources_of(names) if source not in names.hosts]
        any_container = names.containers is not None and (means(ANY_CONTAINER) or read.of.startswith(CONTAINERS))
        if not any_container and not any(map(means, watched)):
            what = f"nothing of the target would tell a crash of {'anything' if read.of == '*' else read.of}"
            checked.defect((*place, "of"), what, suggest(read.of, watched, what="what is watched is"))
    return CrashLevel(name=read.name, of=read.of)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 6)
