"""The service levels as a table: a row for each limit, a column for each phase."""

from __future__ import annotations

from dataclasses import dataclass

from harness.journal.reader import JournalView
from harness.journal.record import LevelJudged, PhaseName
from harness.report import format as say
from harness.report import run
from harness.report.level_label import label

_PHASES: tuple[PhaseName, ...] = ("warm-up", "baseline", "faults", "recovery")


@dataclass(frozen=True, slots=True)
class LevelCell:
    """A level in a phase. `met` None: unknown; `judged` False: the phase was not judged at all."""

    value: str
    met: bool | None
    judged: bool = True


@dataclass(frozen=True, slots=True)
class LevelRow:
    """`text` such as "api p95 < 200 ms"; a cell for each phase of the table."""

    text: str
    cells: tuple[LevelCell, ...]


@dataclass(frozen=True, slots=True)
class LevelTable:
    phases: tuple[PhaseName, ...]
    rows: tuple[LevelRow, ...]


def build(view: JournalView) -> LevelTable:
    """The table of a run: the runbook's levels in their order, judged or not."""
    started = run.started(view)
    judged = view.of(LevelJudged)
    phases = tuple(phase for phase in _PHASES if phase != "warm-up" or any(level.phase == phase for level in judged))
    keys = [plan.text for plan in started.service_levels if plan.text] + [label(started, level) for level in judged]
    cells: dict[tuple[str, PhaseName], LevelCell] = {}
    for level in judged:
        cells[label(started, level), level.phase] = LevelCell(say.quantity(level.value, level.unit), level.met)
    absent = LevelCell("not judged", None, judged=False)
    rows = [LevelRow(key, tuple(cells.get((key, phase), absent) for phase in phases)) for key in dict.fromkeys(keys)]
    return LevelTable(phases, tuple(rows))
