"""`gameday compare`: any two runs side by side."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.errors import BadInput
from harness.journal import reader
from harness.journal.reader import JournalView
from harness.journal.record import RunStarted
from harness.report.compare import compare as compare_runs
from runbooks.commands.options import RUNS
from runbooks.comparison_view import print_comparison
from runbooks.run_folder import find_run


@click.command()
@click.argument("before")
@click.argument("after", default="latest")
@RUNS
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(before: str, after: str, runs: Path, *, as_json: bool) -> None:
    """Put the service levels of the runs BEFORE and AFTER (default: the latest) side by side."""
    first, second = _read(runs, before), _read(runs, after)
    comparison = compare_runs(first, second)
    if as_json:
        click.echo(comparison.model_dump_json(indent=2))
        return
    console = Console(highlight=False)
    shown = second.first(RunStarted)
    console.print(f"{shown.run if shown else after}: {shown.runbook if shown else ''}", markup=False, soft_wrap=True)
    print_comparison(console, comparison)


def _read(runs: Path, name: str) -> JournalView:
    folder = find_run(runs, name)
    view = reader.read(folder)
    if view.first(RunStarted) is None:
        raise BadInput("its journal holds no start of a run", where=str(folder), mend="name another run")
    return view
