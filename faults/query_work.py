"""Real work for a database server, in statements that are as large as the server is fast: each takes about as long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, Protocol

AIM_S = 0.4
_GROW, _SHRINK = 4.0, 0.1
_ROWS_FIRST, _ROWS_LEAST = 20_000, 1000
_ROWS_MOST = {"cpu": 5_000_000, "sort": 500_000}  # a sort of so many rows writes some 25 MB of temporary files
_BLOCKS_FIRST, _BLOCKS_MOST = 64, 4096  # 32 MB
Kind = Literal["cpu", "sort"]

_HASH = "select count(md5(x)) from ({source}) s"
# the outer count doesn't need the order, and "offset 0" keeps the server from knowing
_SORT = "select count(m) from (select md5(x) as m from ({source}) s order by m offset 0) q"
_NUMBERS = "select g::text as x from (select generate_series(1, %s::int) g) n"


class Work(Protocol):
    """Statements of one kind."""

    def statement(self, size: int) -> tuple[str, tuple[object, ...]]:
        """One of that size, with its parameters."""

    def first(self) -> int:
        """The size to begin with."""

    def next_size(self, size: int, took_s: float) -> int:
        """The size of the next one, after one that took so long."""


def _resized(size: int, took_s: float, least: int, most: int) -> int:
    factor = min(_GROW, max(_SHRINK, AIM_S / max(took_s, 1e-3)))
    return max(least, min(most, round(size * factor)))


@dataclass(frozen=True, slots=True)
class NumberWork:
    """Hashes of numbers, counted or sorted: it reads no table."""

    kind: Kind

    def statement(self, size: int) -> tuple[str, tuple[object, ...]]:
        return _said(self.kind, _NUMBERS), (size,)

    def first(self) -> int:
        return _ROWS_FIRST

    def next_size(self, size: int, took_s: float) -> int:
        return _resized(size, took_s, _ROWS_LEAST, _ROWS_MOST[self.kind])


@dataclass(frozen=True, slots=True)
class TableWork:
    """Hashes of the rows in some stretch of a table. `name` is quoted; `blocks`: how large it is."""

    kind: Kind
    name: str
    blocks: int

    def statement(self, size: int) -> tuple[str, tuple[object, ...]]:
        source = f"select t::text as x from {self.name} t where ctid >= %s::tid and ctid < %s::tid"  # noqa: S608 - quoted by the server
        begin = random.randrange(max(1, self.blocks - size + 1))  # noqa: S311 - where to read
        return _said(self.kind, source), (f"({begin},0)", f"({begin + size},0)")

    def first(self) -> int:
        return min(_BLOCKS_FIRST, max(1, self.blocks))

    def next_size(self, size: int, took_s: float) -> int:
        return _resized(size, took_s, 1, min(_BLOCKS_MOST, max(1, self.blocks)))


def _said(kind: Kind, source: str) -> str:
    return "/* gameday */ " + (_SORT if kind == "sort" else _HASH).replace("{source}", source)
