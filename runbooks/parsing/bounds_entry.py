"""The bounds that a target sets: hours, blast radius, live keys; read, checked, and made into values."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from faults.quantity import fraction
from runbooks.bounds import DAYS, MIDNIGHT_MIN, BlastRadius, Hours, LiveKey
from runbooks.parsing.amount import Count, Stretch, Text
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked, Entry, quiet
from runbooks.parsing.yaml_source import Place

_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENOUGH = 4
_HOURS = 'write {days: mon-fri, from: "09:00", to: "17:00", zone: Africa/Lagos}'
_SOURCES = ("env", "file", "url")


def _minutes(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('is no time of day -> write it in quotes: "09:00"')
    found = _TIME.fullmatch(value.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found else MIDNIGHT_MIN + 1
    if minutes > MIDNIGHT_MIN:
        raise ValueError(f'{value!r} is no time of day -> write it in quotes: "09:00"')
    return minutes


def _days(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(day, str) for day in value):
        value = " ".join(value)
    if not isinstance(value, str):
        raise ValueError("must be days -> write mon-fri, or sat, sun")
    days: set[int] = set()
    for part in value.lower().replace(",", " ").split():
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        days |= {day % 7 for day in range(begin, end + (7 if end < begin else 0) + 1)}
    if not days:
        raise ValueError("names no day -> write mon-fri, or sat, sun")
    return sorted(days)


def _day(word: str) -> int:
    short = word[:3]
    if short not in DAYS or not _NAMES[DAYS.index(short)].startswith(word):
        raise ValueError(f"{word!r} is no day -> {suggest(word, DAYS, what='the days are')}")
    return DAYS.index(short)


_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        if not known:
            raise ValueError("can't be known: this machine has no time zones -> pip install tzdata") from None
        raise ValueError(f"{value!r} is no time zone -> {_zone_mend(value, known)}") from None
    return value


def _zone_mend(value: str, known: set[str]) -> str:
    mend = suggest(value, known)
    return mend if mend.startswith("did you mean") else "write one such as Africa/Lagos or Europe/Berlin"


def _share_or_count(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        share = fraction(value)
        if share <= 0:
            raise ValueError("must be more than 0%")
        return share
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is no number of containers -> write 2, or a share such as 50%")
    return value


TimeOfDay = Annotated[int, BeforeValidator(_minutes), WithJsonSchema({"type": "string", "examples": ["09:00"]})]
Days = Annotated[list[int], BeforeValidator(_days), WithJsonSchema({"type": "string", "examples": ["mon-fri"]})]
ShareOrCount = Annotated[
    int | float,
    BeforeValidator(_share_or_count),
    WithJsonSchema({"type": ["integer", "string"], "examples": [2, "50%"]}),
]


class HoursEntry(Entry):
    """Times of day at which game days may be played."""

    days: Days = Field(default=list(range(7)), description="mon-fri, or sat, sun; left out: every day")
    begin: TimeOfDay = Field(alias="from", description='a time of day in quotes: "09:00"')
    end: TimeOfDay = Field(alias="to", description='"17:00"; one before `from` is on the next day')
    zone: Annotated[str, AfterValidator(_zone)] = Field(description="whose clocks: Africa/Lagos")


_HOURS_SCHEMA = HoursEntry.model_json_schema(by_alias=True)
HoursSection = Annotated[
    object, WithJsonSchema({"anyOf": [_HOURS_SCHEMA, {"type": "array", "items": _HOURS_SCHEMA, "minItems": 1}]})
]
"""One entry or a list of them; `check_hours` reads it, so that each defect has its line."""


class BlastRadiusEntry(Entry):
    """The most that the faults of a runbook may hit at the same time."""

    faults_at_once: Count | None = Field(default=None, description="faults that are on at the same time")
    proxies: Count | None = Field(default=None, description="proxies with a fault at the same time")
    databases: Count | None = Field(default=None, description="databases with a fault at the same time")
    caches: Count | None = Field(default=None, description="caches with a fault at the same time")
    hosts: Count | None = Field(default=None, description="hosts with a fault at the same time")
    containers: ShareOrCount | None = Field(default=None, description="containers hit at the same time: 2, or 50%")
    sessions: Count | None = Field(default=None, description="sessions that faults take at the same time")
    longest: Stretch | None = Field(default=None, description="how long one fault may last")


class LiveKeyEntry(Entry):
    """A place where a payment key stands, and the pattern of the live ones."""

    pattern: Text = Field(description="what live keys look like, * for anything: sk_live_*")
    name: Text | None = Field(default=None, description="what reports call it")
    env: Text | None = Field(default=None, description="an environment variable of this machine")
    host: Text | None = Field(default=None, description="a host of this target, with file")
    file: Text | None = Field(default=None, description="an absolute path; on this machine where no host is named")
    url: Text | None = Field(default=None, description="a web address that says which key is in use")


def check_hours(checked: Checked) -> None:
    """Every defect of `hours`, one entry or a list of them."""
    written = checked.source.at(("hours",))
    if "hours" in checked.source.value and not written:
        checked.defect(("hours",), "hours: has no value", _HOURS)
    for index, value in enumerate(written if isinstance(written, list) else [written]):
        place: Place = ("hours", index) if isinstance(written, list) else ("hours",)
        entry = checked.model(HoursEntry, value, place) if written is not None else None
        if entry is not None and entry.begin == entry.end:
            checked.defect((*place, "to"), "hours: from and to are the same", _HOURS)


def check_live_keys(
    checked: Checked, hosts: frozenset[str] | Sequence[str], check_address: Callable[[Place], None]
) -> None:
    """Defects of `live_keys` that its model does not see. `check_address` checks a web address."""
    written = checked.source.at(("live_keys",))
    for index, value in enumerate(written if isinstance(written, list) else []):
        place: Place = ("live_keys", index)
        entry = quiet(LiveKeyEntry, value)
        if entry is None:
            continue
        _check_source(checked, place, entry, hosts)
        if not entry.pattern.isprintable():
            checked.defect((*place, "pattern"), "pattern: is no text of one line", "write what live keys begin with")
        elif sum(c not in "*?" for c in entry.pattern) < _ENOUGH:
            what = f"the pattern {entry.pattern!r} fits too many keys"
            checked.defect((*place, "pattern"), what, "write what live keys begin with: sk_live_*")
        if entry.url is not None:
            check_address((*place, "url"))


def _check_source(checked: Checked, place: Place, entry: LiveKeyEntry, hosts: frozenset[str] | Sequence[str]) -> None:
    given = [key for key in _SOURCES if getattr(entry, key) is not None]
    if len(given) != 1:
        what = "a live key stands in one place: env, file or url"
        checked.defect(place, what, "write {env: PAYSTACK_SECRET_KEY, pattern: sk_live_*}")
    elif entry.host is not None and entry.file is None:
        checked.defect((*place, "host"), "a host goes with a file", "add file: /etc/app.env")
    elif entry.host is not None and entry.host not in hosts:
        mend = suggest(entry.host, hosts, what="the hosts are")
        checked.defect((*place, "host"), f"unknown host {entry.host!r}", mend)
    if entry.env is not None and not _VARIABLE.fullmatch(entry.env):
        checked.defect((*place, "env"), f"{entry.env!r} is no environment variable", "write its name, without $")
    if entry.file is not None and (not entry.file.startswith("/") or not entry.file.isprintable()):
        checked.defect((*place, "file"), f"the file {entry.file!r} is no absolute path", "begin it with /")


def read_hours(written: object) -> tuple[Hours, ...]:
    """The values of a sound section."""
    listed = written if isinstance(written, list) else [written] if written is not None else []
    entries = [HoursEntry.model_validate(value) for value in listed]
    return tuple(Hours(frozenset(e.days), e.begin, e.end, e.zone) for e in entries)


def read_blast_radius(entry: BlastRadiusEntry | None) -> BlastRadius | None:
    """The value of a sound section."""
    if entry is None:
        return None
    share = entry.containers if isinstance(entry.containers, float) else None
    return BlastRadius(
        faults_at_once=entry.faults_at_once,
        proxies=entry.proxies,
        databases=entry.databases,
        caches=entry.caches,
        hosts=entry.hosts,
        containers=None if isinstance(entry.containers, float) else entry.containers,
        containers_share=share,
        sessions=entry.sessions,
        longest_s=entry.longest,
    )


def read_live_keys(entries: Sequence[LiveKeyEntry]) -> tuple[LiveKey, ...]:
    """The values of a sound section."""
    return tuple(
        LiveKey(
            name=e.name or e.env or (Path(e.file).name if e.file else e.url or ""),
            pattern=e.pattern,
            env=e.env or "",
            host=e.host or "",
            file=e.file or "",
            url=e.url or "",
        )
        for e in entries
    )
