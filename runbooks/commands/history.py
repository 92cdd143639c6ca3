"""`gameday history`: the runs in a folder, and the trend of each service level."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import BadInput
from harness.report import format as say
from harness.report.history import LevelTrend, PastRun, read_run, trends
from runbooks.commands.options import RUNS
from runbooks.parsing.suggestion import suggest
from runbooks.run_folder import all_runs

_STYLES = {"held": "green", "deviated": "yellow", "stopped": "yellow", "invalid": "magenta", "not-healed": "bold red"}
_ARROWS = {"up": "↑ up", "down": "↓ down", "no clear trend": "→ no clear trend", "too few runs": "too few runs to tell"}


@click.command()
@click.option("--runbook", default="", help="Only runs of this runbook: its file's name, or a part of its title.")
@click.option("--level", default="", help="Only this service level.")
@click.option("--last", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Only the newest so many.")
@RUNS
@click.option("--json", "as_json", is_flag=True, help="Print the runs and the trends as JSON.")
def history(runbook: str, level: str, last: int, runs: Path, *, as_json: bool) -> None:
    """The runs so far, and where each service level is heading."""
    chosen = [run for run in map(read_run, all_runs(runs)) if _fits(run, runbook)][-last:]
    found = trends(chosen, level)
    _check(chosen, found, runs=runs, runbook=runbook, level=level)
    if as_json:
        both = {"runs": [run.model_dump() for run in chosen], "trends": [trend.model_dump() for trend in found]}
        click.echo(json.dumps(both, indent=2))
        return
    console = Console(highlight=False)
    console.print(_runs_table(chosen))
    if found:
        console.print()
        console.print(_trends_table(found))


def _check(chosen: Sequence[PastRun], found: Sequence[LevelTrend], *, runs: Path, runbook: str, level: str) -> None:
    """Raises BadInput where a filter leaves nothing."""
    if not chosen:
        books = sorted({read_run(folder).book for folder in all_runs(runs)})
        if not books:
            raise BadInput("there is no run yet", where=str(runs), mend="play one: gameday run")
        mend = suggest(runbook, books, what="there are runs of")
        raise BadInput(f"no run of {runbook!r}", where=str(runs), mend=mend)
    if level and not found:
        names = sorted({judged.name for run in chosen for judged in run.levels})
        raise BadInput(f"no run judged a service level {level!r}", mend=suggest(level, names, what="there are"))


def _fits(run: PastRun, runbook: str) -> bool:
    wanted = Path(runbook).stem.lower() if runbook.endswith((".yaml", ".yml")) else runbook.lower()
    return not wanted or wanted == run.book.lower() or wanted in run.runbook.lower()


def _runs_table(runs: Sequence[PastRun]) -> Table:
    numbers = ("users", "p95", "failed")
    table = _table("date (UTC)", "runbook", "verdict", *numbers, "run", right=numbers)
    for run in runs:
        if run.problem:
            table.add_row("", run.book, Text(run.problem, style="dim"), "", "", "", run.run)
            continue
        date = run.started_at[:16].replace("T", " ")
        verdict = Text(run.verdict, style=_STYLES.get(run.verdict, "bold red"))
        told = (say.count(run.users), say.milliseconds(run.p95_ms), say.percent(run.error_rate))
        table.add_row(date, run.book, verdict, *told, run.run)
    return table


def _trends_table(found: Sequence[LevelTrend]) -> Table:
    table = _table("service level", "phase", "runbook", "latest", "limit", "over the runs", "trend",
                   right=("latest", "limit"))  # fmt: skip
    for trend in found:
        which = f"{trend.book}, {say.plural(trend.users, 'user')}"
        latest = Text(say.quantity(trend.values[-1], trend.unit), style="bold red" if trend.met[-1] is False else "")
        limit = say.quantity(trend.limit, trend.unit)
        table.add_row(trend.name, trend.phase, which, latest, limit, trend.bars, _ARROWS[trend.trend])
    return table


def _table(*headings: str, right: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table
