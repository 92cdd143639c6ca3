"""Quantities as people write them: "50ms", "1m30s", "1%", "0.5"."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.fields import FieldInfo

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*(?:us|ms|s|min|m|h)\s*)+")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h)")


def seconds(value: object) -> float:
    """A duration in seconds from "250ms", "20s", "1m30s" or 0; ValueError says how to write it."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    text = str(value).strip()
    if text.startswith("-"):
        raise ValueError(f"a duration can't be negative: {text}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"a duration needs a unit: {text}s or {text}ms?")
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration: write 250ms, 20s, 1m30s or 1h")
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def is_duration(field: FieldInfo) -> bool:
    """Whether a model's field is a duration in seconds, written as people write them."""
    return any(isinstance(m, BeforeValidator) and m.func is seconds for m in field.metadata)


def fraction(value: object) -> float:
    """A share of 0..1 from "1%", "0.5%" or 0.01; ValueError says how to write it."""
    text = str(value).strip()
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no share: write 1% or 0.01") from None
    if not 0 <= share <= 1:
        raise ValueError(f"{text} is no share between 0% and 100%")
    return share


Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["250ms", "20s", "1m30s"]}),
]
Fraction = Annotated[
    float,
    BeforeValidator(fraction),
    Field(ge=0, le=1),
    WithJsonSchema({"type": ["string", "number"], "examples": ["1%", 0.01]}),
]


def say_seconds(value_s: float) -> str:
    """A duration as a person would write it: 0.05 -> "50 ms", 90 -> "90 s"."""
    if value_s < 1:
        return f"{value_s * 1000:.3g} ms"
    return f"{value_s:.4g} s"
