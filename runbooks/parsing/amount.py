"""Amounts in what a person writes, beyond durations and shares: counts, limits on rates, values of readings."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from faults.quantity import BYTES, Seconds, fraction, seconds

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)")
LONGEST_S = 86_400.0
"""The most that a phase or a fault may last, a day: more is a slip of the pen."""
_MOST_USERS = 1_000_000
_MOST_PROCESSES = 64
_DURATION_SIGN = re.compile(r"\d\s*(us|ms|s|min|m|h)\b")


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character -> take it out: no program can be given one")
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("must be longer than 0s")
    return value


def _at_most_a_day(value: float) -> float:
    if value > LONGEST_S:
        raise ValueError("must be at most 24h")
    return value


def _rate(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1:
        raise ValueError(f"{value:g} is ambiguous -> write {value:g}%, or a share such as 0.01")
    return fraction(value)


def _processes(value: object) -> object:
    """ "auto" is -1."""
    if value in ("auto", "-1") or (value == -1 and not isinstance(value, bool)):
        return -1
    if isinstance(value, str) and not value.isdigit():
        raise ValueError(f"{value!r} is no number of processes -> write 2, or auto for one on each core")
    written = int(value) if isinstance(value, str) and value.isascii() else value
    if isinstance(value, bool) or (isinstance(written, int | float) and written < 1):
        raise ValueError("must be at least 1, or auto for one on each core")
    return value


def _reading(value: object) -> float:
    """ "90%" is 0.9, "5s" is 5, "2GiB" is bytes, a number is itself."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    if text.endswith("%"):
        return fraction(text)
    if size := _SIZE.fullmatch(text):
        return float(size[1]) * BYTES[size[2]]
    if _DURATION_SIGN.search(text):
        return seconds(text)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no value of a reading -> write 90%, 200, 5s or 2GiB") from None


Length = Annotated[Seconds, AfterValidator(_positive)]
"""A duration longer than nothing."""

Moment = Annotated[Seconds, AfterValidator(_at_most_a_day)]
"""A duration of a day at most, or 0."""

Stretch = Annotated[Length, AfterValidator(_at_most_a_day)]
"""A duration longer than nothing, of a day at most."""

Rate = Annotated[
    float,
    BeforeValidator(_rate),
    WithJsonSchema({"type": ["string", "number"], "examples": ["1%", 0.01]}),
]
"""A share of 0..1; a bare 1 or more is refused, since it may mean 1% or 100%."""

ReadingValue = Annotated[
    float,
    BeforeValidator(_reading),
    WithJsonSchema({"type": ["string", "number"], "examples": ["90%", 200, "5s", "2GiB"]}),
]
Count = Annotated[int, BeforeValidator(_no_bool), Field(gt=0)]
Users = Annotated[Count, Field(le=_MOST_USERS)]
UsersPerSecond = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, le=_MOST_USERS)]
Processes = Annotated[
    int,
    BeforeValidator(_processes),
    Field(ge=-1, le=_MOST_PROCESSES),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": _MOST_PROCESSES}, {"const": "auto"}]}),
]
"""How many load processes; "auto" is -1, one for each core, as Locust has it."""
Whole = Annotated[int, BeforeValidator(_no_bool)]
Text = Annotated[str, Field(min_length=1), AfterValidator(_no_nul)]
