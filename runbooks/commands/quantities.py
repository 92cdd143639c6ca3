"""What a person types behind an option, read by callbacks: durations, lists, rates, numbers of processes."""

from __future__ import annotations

import math

import click

from faults.quantity import seconds

_MOST_PROCESSES = 64
_MOST_USERS = 1_000_000
_LONGEST_S = 86_400.0


def duration(_context: click.Context, _option: click.Parameter, value: str) -> float:
    """ "60s", "2m", "1m30s": seconds."""
    try:
        found = seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not 0 < found <= _LONGEST_S:
        raise click.BadParameter(f"{value!r} must be more than nothing and at most 24h")
    return found


def words(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """ "a,b" or "a b": ("a", "b")."""
    if value is None:
        return None
    found = tuple(dict.fromkeys(value.replace(",", " ").split()))
    if not found:
        raise click.BadParameter("name one tag at least")
    return found


def rate(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """A number above 0."""
    if value is None:
        return None
    try:
        found = float(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no number of users a second") from error
    if not (math.isfinite(found) and 0 < found <= _MOST_USERS):
        raise click.BadParameter(f"{value!r} must be more than 0 and at most {_MOST_USERS}")
    return found


def processes(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """A number, or "auto": -1."""
    if value is None or value in ("auto", "-1"):
        return None if value is None else -1
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= _MOST_PROCESSES):
        raise click.BadParameter(f"{value!r} is no number of processes: 1 to {_MOST_PROCESSES}, or auto")
    return int(value)
