"""The rules that name a bottleneck, as a table, and the analysis that asks them all."""

from __future__ import annotations

from pathlib import Path

from harness.analysis import dependency_down, pool_exhaustion
from harness.analysis.case import open_case
from harness.analysis.finding import Rule
from harness.journal.reader import JournalView
from harness.journal.record import FindingNamed

RULES: tuple[Rule, ...] = (pool_exhaustion, dependency_down)


def analyse(view: JournalView, run_folder: Path) -> tuple[FindingNamed, ...]:
    """The findings of a run, the surest first. A run without a breach or a deviation has none."""
    case = open_case(view, run_folder)
    if case is None:
        return ()
    found = [finding for rule in RULES if (finding := rule.examine(case)) is not None]
    return tuple(sorted(found, key=lambda f: -f.confidence))
