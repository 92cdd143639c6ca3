"""An invariant as a person writes it: a query, a web address or a command with its expected answer."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from harness.analysis.service_level import CommandLevel, Content, Invariant, QueryLevel, UrlLevel
from runbooks.parsing.amount import Text, Whole
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.toolkit_entry import ProbeLevelEntry, read_probe
from runbooks.parsing.validation import Checked, Entry
from runbooks.parsing.yaml_source import Place

_JSON_PATH = re.compile(r"[^.\s]+(\.[^.\s]+)*")
_BOTH = ("equals and unchanged are two different answers", "take one of them out")


def _single(value: object) -> object:
    if not isinstance(value, int | float | str | bool | None):
        raise ValueError("must be one value: a number, a text, true, false or null")
    return value


Expected = Annotated[Any, BeforeValidator(_single), WithJsonSchema({"type": ["number", "string", "boolean", "null"]})]
_EQUALS = "the answer; numbers may come as numbers or as text"
_UNCHANGED = "true: the answer must be what it was before the faults"


class QueryEntry(Entry):
    """A query and the single value that it must answer; it runs in a read-only transaction."""

    database: Text
    sql: Text
    equals: Expected = Field(default=None, description=_EQUALS)
    unchanged: bool = Field(default=False, description=_UNCHANGED)


class UrlEntry(Entry):
    """A GET and what it must answer."""

    get: Text = Field(description="a path below the target's base_url, or a whole address within its allow list")
    status: Annotated[Whole, Field(ge=100, le=599)] = 200
    contains: Text | None = Field(default=None, description="a part of the body")
    json_path: Text | None = Field(default=None, alias="json", description='a value in the JSON body: "totals.0.sum"')
    equals: Expected = Field(default=None, description=_EQUALS)
    unchanged: bool = Field(default=False, description=_UNCHANGED)


class CommandEntry(Entry):
    """A command on a host and what it must answer; it should change nothing."""

    host: Text
    run: Text = Field(description="a command for the host's shell, as it is written")
    exit_code: Annotated[Whole, Field(ge=0, le=255)] = 0
    contains: Text | None = Field(default=None, description="a part of what it writes")
    equals: Expected = Field(default=None, description=_EQUALS)
    unchanged: bool = Field(default=False, description=_UNCHANGED)


class QueryLevelEntry(Entry):
    """An invariant in a database."""

    name: Text
    query: QueryEntry


class UrlLevelEntry(Entry):
    """An invariant behind a web address."""

    name: Text
    url: UrlEntry


class CommandLevelEntry(Entry):
    """An invariant that a command tells."""

    name: Text
    command: CommandEntry


InvariantEntry = QueryLevelEntry | UrlLevelEntry | CommandLevelEntry | ProbeLevelEntry


def read_invariant(read: InvariantEntry, place: Place, checked: Checked) -> Invariant:
    """The invariant; what is wrong in it is in `checked`."""
    if isinstance(read, QueryLevelEntry):
        return _query(read, (*place, "query"), checked)
    if isinstance(read, UrlLevelEntry):
        return _url(read, (*place, "url"), checked)
    if isinstance(read, ProbeLevelEntry):
        return read_probe(read, place, checked)
    command = read.command
    content = _content(command, (*place, "command"), checked)
    return CommandLevel(read.name, command.host, command.run, command.exit_code, content)


def check_names(place: Place, checked: Checked, names: TargetNames | None) -> None:
    """Defects for databases and hosts that the target doesn't have, whether the rest is sound or not."""
    if names is None:
        return
    for kind, key, known in (("query", "database", names.databases), ("command", "host", names.hosts)):
        at = (*place, kind, key)
        name = checked.source.at(at)
        if isinstance(name, str) and name not in known:
            checked.defect(at, f"unknown {key} {name!r}", suggest(name, known, what=f"the target's {key}s are"))


def _query(read: QueryLevelEntry, place: Place, checked: Checked) -> QueryLevel:
    query = read.query
    if query.unchanged and "equals" in query.model_fields_set:
        checked.defect((*place, "unchanged"), *_BOTH)
    elif not query.unchanged and "equals" not in query.model_fields_set:
        checked.defect(place, "a query without an expected answer", "add equals: 0, or unchanged: true")
    return QueryLevel(read.name, query.database, query.sql, query.equals, unchanged=query.unchanged)


def _url(read: UrlLevelEntry, place: Place, checked: Checked) -> UrlLevel:
    url = read.url
    _check_address(url.get, (*place, "get"), checked)
    content = _content(url, place, checked)
    if url.json_path is not None and not _JSON_PATH.fullmatch(url.json_path):
        checked.defect((*place, "json"), f"{url.json_path!r} is no path", 'write keys with dots: "totals.0.sum"')
    if url.json_path is not None and not content.compared:
        checked.defect((*place, "json"), "a value without an expected answer", "add equals: 0, or unchanged: true")
    return UrlLevel(read.name, url.get, url.status, url.json_path, content)


def _content(entry: UrlEntry | CommandEntry, place: Place, checked: Checked) -> Content:
    has_equals = "equals" in entry.model_fields_set
    if entry.unchanged and has_equals:
        checked.defect((*place, "unchanged"), *_BOTH)
    return Content(
        contains=entry.contains,
        compared=has_equals or entry.unchanged,
        equals=entry.equals,
        unchanged=entry.unchanged,
    )


def _check_address(get: str, place: Place, checked: Checked) -> None:
    if any(c.isspace() or not c.isprintable() for c in get):
        checked.defect(place, f"{get!r} is no address", "write a path such as /health, without spaces")
        return
    if get.startswith("/") and not get.startswith("//"):
        return
    try:
        parts = urlsplit(get)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        checked.defect(place, f"{get!r} is no address", 'write a path such as "/health", or http://host:port/path')
    elif "@" in get.partition("://")[2].partition("/")[0]:
        checked.defect(place, "holds a user or a password", "take it out: invariants are asked without a login")
