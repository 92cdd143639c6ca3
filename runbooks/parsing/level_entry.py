"""A service level as a person writes it: on requests, on a reading, or an invariant."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from harness.analysis.service_level import QueryLevel, ReadingLevel, RequestLevel, ServiceLevel
from runbooks.parsing.amount import Length, Rate, ReadingValue, Text
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.reading_name import check_limits, check_reading
from runbooks.parsing.request_glob import check_glob
from runbooks.parsing.suggestion import suggest
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
    """A limit on the mean of a reading over a phase."""

    name: Text
    reading: Text = Field(description='"app-1.cpu", "database.main.active", "cache.main.hit_ratio"')
    max: ReadingValue | None = None
    min: ReadingValue | None = None


def _single(value: object) -> object:
    if not isinstance(value, int | float | str | bool | None):
        raise ValueError("must be one value: a number, a text, true, false or null")
    return value


class QueryEntry(Entry):
    """A query and the single value that it must answer."""

    database: Text
    sql: Text
    equals: Annotated[Any, BeforeValidator(_single), WithJsonSchema({"type": ["number", "string", "boolean", "null"]})]


class QueryLevelEntry(Entry):
    """An invariant."""

    name: Text
    query: QueryEntry


MODELS: dict[str, type[Entry]] = {
    "requests": RequestLevelEntry,
    "reading": ReadingLevelEntry,
    "query": QueryLevelEntry,
}
_LIMITS = {"requests": ("p50", "p95", "p99", "mean", "max", "error_rate"), "reading": ("max", "min"), "query": ()}
_EXAMPLE = 'write requests: "* /api/*", reading: app-1.cpu, or query: {database: ..., sql: ..., equals: ...}'


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
    if _LIMITS[kind] and not any(limit in entry for limit in _LIMITS[kind]):
        checked.defect(place, "a service level without a limit", f"add one of: {', '.join(_LIMITS[kind])}")
    if isinstance(read, RequestLevelEntry):
        return _request(read, place, checked)
    reading = entry.get("reading")
    if isinstance(reading, str):
        check_reading(reading, (*place, "reading"), checked, names)
    _check_database(place, checked, names)
    if isinstance(read, ReadingLevelEntry):
        return _reading(read, place, checked)
    return _query(read) if isinstance(read, QueryLevelEntry) else None


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


def _reading(read: ReadingLevelEntry, place: Place, checked: Checked) -> ReadingLevel:
    limits = {"max": read.max, "min": read.min}
    check_limits(read.reading, (*place, "reading"), limits, checked)
    if read.max is not None and read.min is not None and read.min > read.max:
        checked.defect((*place, "min"), "min is above max", "swap them")
    return ReadingLevel(name=read.name, reading=read.reading, max=read.max, min=read.min)


def _query(read: QueryLevelEntry) -> QueryLevel:
    return QueryLevel(name=read.name, database=read.query.database, sql=read.query.sql, equals=read.query.equals)


def _check_database(place: Place, checked: Checked, names: TargetNames | None) -> None:
    at = (*place, "query", "database")
    database = checked.source.at(at)
    if names is not None and isinstance(database, str) and database not in names.databases:
        mend = suggest(database, names.databases, what="the target's databases are")
        checked.defect(at, f"unknown database {database!r}", mend)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 6)
