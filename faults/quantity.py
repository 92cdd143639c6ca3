"""Quantities as people write them: "50ms", "1m30s", "1%", "0.5", "64KB", "1MB/s"."""

from __future__ import annotations

import re
from typing import Annotated, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.fields import FieldInfo

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*(?:us|ms|s|min|m|h)\s*)+")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h)")
BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
"""What a unit of size is in bytes: KB is 1000 of them, as in Toxiproxy, and KiB 1024."""
_BITS = {"bit": 1, "kbit": 1000, "Mbit": 1000**2, "Gbit": 1000**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)?")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*(?:/\s*s|ps)")


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
    # a nanosecond is near enough: 100us is 0.0001 s, and not a hair less
    return round(sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text)), 9)


def is_duration(value: object) -> bool:
    """Whether it is written as a duration, and not as a size, a rate or a bare number."""
    return isinstance(value, str) and _DURATION.fullmatch(value.strip()) is not None


Param = float | str | bool
"""The value of a fault's parameter, as the journal holds it."""


def size_bytes(value: object) -> int:
    """A number of bytes from "64KB", "1MiB" or a bare number; ValueError says how to write it."""
    found = _SIZE.fullmatch(str(value).strip())
    if isinstance(value, bool) or found is None or (found[2] or "B") not in BYTES:
        raise ValueError(f"{str(value)!r} is no number of bytes -> write 500, 64KB (of 1000 bytes) or 64KiB (of 1024)")
    return _whole(float(found[1]) * BYTES[found[2] or "B"], f"{value} is no whole number of bytes")


def bytes_per_s(value: object) -> int:
    """Bytes a second from "64KB/s", "1MB/s" or "512kbit/s"; ValueError says how to write it."""
    text = str(value).strip()
    found = _RATE.fullmatch(text)
    unit = found[2] if found else ""
    if found is None or (unit not in BYTES and unit not in _BITS):
        raise ValueError(f"{text!r} is no rate -> write 64KB/s (KB is 1000 bytes), 1MB/s or 512kbit/s")
    per_s = float(found[1]) * (BYTES[unit] if unit in BYTES else _BITS[unit] / 8)
    return _whole(per_s, f"{text} is no whole number of bytes a second")


def _whole(number: float, complaint: str) -> int:
    if abs(number - round(number)) > 1e-6:
        raise ValueError(complaint)
    return round(number)


def recorded(name: str, value: Param, field: FieldInfo) -> tuple[str, Param]:
    """A parameter under the name that says its unit: `latency` 0.05 is `latency_ms` 50."""
    if _is_read_by(field, seconds):
        return f"{name}_ms", float(value) * 1000
    for reader, unit in ((bytes_per_s, "bytes_per_s"), (size_bytes, "bytes")):
        if _is_read_by(field, reader):
            return (name if name == unit else f"{name}_{unit}"), value
    return name, value


def as_said(value: object, field: FieldInfo) -> str:
    """A parameter as a person would write it."""
    for reader, say in ((seconds, say_seconds), (bytes_per_s, say_rate), (size_bytes, say_size)):
        if _is_read_by(field, reader) and isinstance(value, int | float):
            return say(value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def written_as(field: FieldInfo) -> str:
    """How a person writes it: "duration", "rate", "size", "share", or "" for anything else."""
    readers = {seconds: "duration", bytes_per_s: "rate", size_bytes: "size", fraction: "share"}
    return next((word for reader, word in readers.items() if _is_read_by(field, reader)), "")


def _is_read_by(field: FieldInfo, reader: object) -> bool:
    # a field that may be left open has its reader within the union
    inside = [m for part in get_args(field.annotation) for m in getattr(part, "__metadata__", ())]
    return any(isinstance(m, BeforeValidator) and m.func is reader for m in [*field.metadata, *inside])


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
Size = Annotated[
    int,
    BeforeValidator(size_bytes),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["64KB", "64KiB", 500]}),
]
Throughput = Annotated[
    int,
    BeforeValidator(bytes_per_s),
    WithJsonSchema({"type": "string", "examples": ["64KB/s", "1MB/s", "512kbit/s"]}),
]


def say_seconds(value_s: float) -> str:
    """A duration as a person would write it: 0.05 -> "50 ms", 90 -> "90 s"."""
    if value_s < 1:
        return f"{value_s * 1000:.3g} ms"
    return f"{value_s:.4g} s" if value_s < 10_000 else f"{value_s:.0f} s"


def say_size(value_bytes: float) -> str:
    """Bytes as a person would write them: 64000 -> "64 KB", 500 -> "500 bytes"; KB is 1000 bytes."""
    for unit in ("GB", "MB", "KB"):
        if value_bytes >= BYTES[unit]:
            return f"{value_bytes / BYTES[unit]:.6g} {unit}"
    return f"{value_bytes:.6g} byte{'' if value_bytes == 1 else 's'}"


def about(value_bytes: float) -> str:
    """The same, with four digits."""
    return say_size(float(f"{value_bytes:.4g}"))


def say_rate(value_bytes_per_s: float) -> str:
    """Bytes a second as a person would write them: 64000 -> "64 KB/s"."""
    return f"{say_size(value_bytes_per_s)}/s"
