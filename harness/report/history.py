"""Many runs, oldest first: what each came to, and where each service level is heading."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.report.compare import NOISE
from harness.report.result import FILE, LevelResult, Result

Trend = Literal["up", "down", "no clear trend", "too few runs"]
FEWEST = 6
"""Runs, below which a trend is not spoken of."""
_BARS = "▁▂▃▄▅▆▇█"
_LARGEST_BYTES = 20_000_000
_Place = tuple[str, str, str]


class PastRun(BaseModel):
    """One run folder. `problem`: why nothing more is known of it; rates are fractions, times ms."""

    model_config = ConfigDict(frozen=True)

    run: str
    started_at: str = ""
    book: str = ""
    runbook: str = ""
    verdict: str = ""
    exit_code: int | None = None
    users: int = 0
    requests: int = 0
    p95_ms: float | None = None
    error_rate: float | None = None
    levels: tuple[LevelResult, ...] = ()
    problem: str = ""


class LevelTrend(BaseModel):
    """One limit of a level in one phase over the runs of one runbook with one number of users (`load.users`, the peak).
    `values`: None where it was unknown."""

    model_config = ConfigDict(frozen=True)

    book: str
    users: int
    name: str
    phase: str
    unit: str
    limit: float
    runs: tuple[str, ...]
    values: tuple[float | None, ...]
    met: tuple[bool | None, ...]
    trend: Trend

    @property
    def bars(self) -> str:
        """The values as a row of bars; a dot where one is unknown."""
        known = [value for value in self.values if value is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        span = high - low
        places = [None if v is None else round((v - low) / span * (len(_BARS) - 1)) if span else 0 for v in self.values]
        return "".join("·" if place is None else _BARS[place] for place in places)


def read_run(folder: Path) -> PastRun:
    """What `result.json` says; whatever it is, this does not raise."""
    place = folder / FILE
    try:
        if place.stat().st_size > _LARGEST_BYTES:
            return _lost(folder, f"{FILE} is too large to be one of ours")
        result = Result.model_validate(json.loads(place.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _lost(folder, "no result yet: it is going on, or was killed")
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        why = f": {error.strerror}" if isinstance(error, OSError) else ""
        return _lost(folder, f"{FILE} can't be read{why} (gameday report {folder.name} writes it again)")
    load = result.load
    return PastRun(
        run=folder.name,
        started_at=result.started_at,
        book=book_of(folder.name),
        runbook=result.runbook,
        verdict=result.verdict or "no verdict",
        exit_code=result.exit_code,
        users=load.users,
        requests=load.requests,
        p95_ms=load.p95_ms,
        error_rate=load.error_rate,
        levels=result.service_levels,
    )


def book_of(run: str) -> str:
    """ "20261122-142003-drill-bcb1": "drill"; the run's own name where it is no name of ours."""
    parts = run.split("-")
    return "-".join(parts[2:-1]) if len(parts) > 3 else run


def trends(runs: Sequence[PastRun], level: str = "") -> tuple[LevelTrend, ...]:
    """Every level of every runbook, or those named `level`; runs that say nothing of one are left out of its row.
    Runs with other numbers of users are rows of their own: they can't be compared."""
    rows: dict[tuple[str, int, _Place, int], list[tuple[str, LevelResult]]] = {}
    for run in runs:
        for place, number, judged in _placed(run.levels):
            if not level or judged.name == level:
                rows.setdefault((run.book, run.users, place, number), []).append((run.run, judged))
    return tuple(_trend(key[0], key[1], row) for key, row in rows.items())


def _placed(levels: Iterable[LevelResult]) -> Iterator[tuple[_Place, int, LevelResult]]:
    """A name may have several limits of one unit: they are told apart by their order."""
    seen: dict[_Place, int] = {}
    for level in levels:
        place = (level.name, level.phase, level.unit)
        seen[place] = seen.get(place, -1) + 1
        yield place, seen[place], level


def _trend(book: str, users: int, row: Sequence[tuple[str, LevelResult]]) -> LevelTrend:
    last = row[-1][1]
    values = tuple(level.value for _, level in row)
    return LevelTrend(
        book=book,
        users=users,
        name=last.name,
        phase=last.phase,
        unit=last.unit,
        limit=last.limit,
        runs=tuple(run for run, _ in row),
        values=values,
        met=tuple(level.met for _, level in row),
        trend=_direction([value for value in values if value is not None]),
    )


def _direction(known: Sequence[float]) -> Trend:
    """The later half's median beside the earlier half's; what lies within the noise between two runs is no trend."""
    if len(known) < FEWEST:
        return "too few runs"
    half = len(known) // 2
    before, after = statistics.median(known[:half]), statistics.median(known[-half:])
    if abs(after - before) <= NOISE * abs(before):
        return "no clear trend"
    return "up" if after > before else "down"


def _lost(folder: Path, problem: str) -> PastRun:
    return PastRun(run=folder.name, book=book_of(folder.name), problem=problem)
