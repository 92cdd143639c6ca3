"""The rules that name a bottleneck, as a table, and the analysis that asks them all."""

from __future__ import annotations

from pathlib import Path

from harness.analysis import (
    cache,
    connection_limit,
    cpu,
    crash,
    dependency_down,
    disk_io,
    lock_contention,
    memory,
    memory_leak,
    network,
    noisy_neighbour,
    pool_exhaustion,
    resource_intensive_operation,
    slow_queries,
    unoptimised_queries,
)
from harness.analysis.case import open_case
from harness.analysis.finding import Rule
from harness.journal.reader import JournalView
from harness.journal.record import FindingNamed

RULES: tuple[Rule, ...] = (
    pool_exhaustion,
    connection_limit,
    dependency_down,
    slow_queries,
    unoptimised_queries,
    lock_contention,
    cache,
    crash,
    cpu,
    resource_intensive_operation,
    memory_leak,
    memory,
    network,
    disk_io,
    noisy_neighbour,
)
# What can be named before it hurts, by mechanism alone: asked in a run without a breach or a missed level too.
QUIET_RULES: tuple[Rule, ...] = (memory_leak, crash)


def analyse(view: JournalView, run_folder: Path) -> tuple[FindingNamed, ...]:
    """The findings of a run, the surest first. A run in which nothing suffered has only those of QUIET_RULES."""
    case = open_case(view, run_folder)
    if case is None:
        return ()
    found = [finding for rule in (QUIET_RULES if case.quiet else RULES) if (finding := rule.examine(case)) is not None]
    return tuple(sorted(found, key=lambda f: -f.confidence))
