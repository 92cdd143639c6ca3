"""Which rows of a table a fault locks, as people write it: "50", "20%" or "id in (1, 2, 3)".

A column and its values are all that can be said of a row: nothing of it is played as SQL but the column's name, and
that only where it is a plain one. Values go to the server beside the statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from faults.quantity import fraction

MOST_ROWS = 10_000
"""Locking a row writes to it: more than these would be a load of its own."""
MOST_VALUES = 100
_COUNT = re.compile(r"\d+")
_SHARE = re.compile(r"\d+(?:\.\d+)?\s*%")
_CHOICE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*(?:=\s*(?P<one>.+)|[iI][nN]\s*\((?P<many>.*)\))", re.DOTALL)
_VALUE = re.compile(r"\s*(?:'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?))\s*(?:,|$)")
_FORMS = 'write 50, 20% or "id in (1, 2, 3)"'


@dataclass(frozen=True, slots=True)
class RowSelection:
    """One of the three: `count` rows, a `share` of all (0..1), or those whose `column` is one of `values`."""

    count: int | None = None
    share: float | None = None
    column: str = ""
    values: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The condition in SQL, with a placeholder for each value; "" for all rows."""
        return f'where "{self.column}" in ({", ".join(["%s"] * len(self.values))})' if self.column else ""


def selection(text: str) -> RowSelection:
    """What `text` means. ValueError says how to write it."""
    text = text.strip()
    if _COUNT.fullmatch(text):
        return _counted(int(text))
    if _SHARE.fullmatch(text):
        return _shared(text)
    found = _CHOICE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} names no rows -> {_FORMS}")
    # as PostgreSQL reads a name without quotes
    column = found[1].lower()
    values = _values(found["one"] if found["many"] is None else found["many"])
    if not values:
        raise ValueError(f"{text!r} names no values -> write numbers, or text in single quotes, with commas between")
    if found["many"] is None and len(values) > 1:
        raise ValueError(f"{text!r} has more than one value -> write {column} in (...)")
    if len(values) > MOST_VALUES:
        raise ValueError(f"{len(values)} values are too many -> {MOST_VALUES} at most")
    return RowSelection(column=column, values=values)


def said_rows(text: str) -> str:
    """A selection in a sentence: "50 rows", "20% of the rows", "the rows with id in (1, 2)"."""
    means = selection(text)
    if means.count is not None:
        return f"{means.count} rows" if means.count > 1 else "1 row"
    return f"{text} of the rows" if means.share is not None else f"the rows with {text}"


def _counted(count: int) -> RowSelection:
    if not 1 <= count <= MOST_ROWS:
        raise ValueError(f"{count} rows can't be locked -> 1 to {MOST_ROWS}")
    return RowSelection(count=count)


def _shared(text: str) -> RowSelection:
    share = fraction(text.replace(" ", ""))
    if not share:
        raise ValueError("0% of the rows is none -> write more, or leave rows out for the whole table")
    return RowSelection(share=share)


def _values(text: str) -> tuple[str, ...]:
    """The values of a list; () where something in it is none."""
    values, at = [], 0
    while at < len(text):
        found = _VALUE.match(text, at)
        if found is None:
            return ()
        values.append(found[2] if found[1] is None else found[1].replace("''", "'"))
        at = found.end()
    return tuple(values)


def _written(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} names no rows -> {_FORMS}")
    selection(str(value))
    return " ".join(str(value).split())


Rows = Annotated[
    str,
    BeforeValidator(_written),
    WithJsonSchema({"type": ["string", "integer"], "examples": [50, "20%", "id in (1, 2, 3)"]}),
]
