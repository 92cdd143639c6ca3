"""The tables of the evidence, `readings.csv` and `windows.csv`, with the line of each row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_FAILURES = ("http", "timeout", "connection", "application")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its line in the file, counted from 1 with the header as line 1, and its cells by column."""

    line: int
    time_s: float
    cells: Mapping[str, str]

    @property
    def failed(self) -> float:
        return sum(_number(self.cells.get(kind)) for kind in _FAILURES)

    @property
    def requests(self) -> float:
        return _number(self.cells.get("requests"))


class Table:
    """One CSV file; an absent or unreadable one has no rows."""

    def __init__(self, run_folder: Path, path: str) -> None:
        self.path = path
        self.rows = _read(run_folder / path)

    def last(self, since_s: float, until_s: float, wanted: Callable[[Row], bool]) -> Row | None:
        """The latest wanted row in [since_s, until_s]."""
        rows = [r for r in self.rows if since_s <= r.time_s <= until_s + 1e-3 and wanted(r)]
        return max(rows, key=lambda r: r.time_s, default=None)

    def worst(self, since_s: float, until_s: float) -> Row | None:
        """The row in [since_s, until_s] with the most failures, or with the most requests where none failed."""
        rows = [r for r in self.rows if since_s <= r.time_s <= until_s + 1e-3]
        return max(rows, key=lambda r: (r.failed, r.requests), default=None)


def _read(path: Path) -> tuple[Row, ...]:
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        rows = []
        for cells in reader:
            time_s = cells.get("time_s")
            if time_s is not None and _is_number(time_s):
                rows.append(Row(reader.line_num, float(time_s), cells))
    return tuple(rows)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str | None) -> float:
    return float(text) if text is not None and _is_number(text) else 0.0
