"""The front door: `gameday run | check | list | stop | heal | status | report | rerun | sandbox | schema`."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from harness.clock import Deadline
from harness.errors import BadInput, GamedayError
from harness.journal import reader
from harness.journal.record import VerdictReached
from harness.report.write import write_all
from runbooks import leftovers
from runbooks.books import find_book, list_books
from runbooks.claim_status import holders_of
from runbooks.commands.lazy_group import LazyGroup
from runbooks.commands.open_target import open_target
from runbooks.commands.options import (
    JSON,
    NO_LEASE,
    RUNS,
    TARGET,
    WEB_PORT,
    WEB_UI,
    guard_rails,
    opted_out,
    web_port_of,
)
from runbooks.commands.sitting import Sitting
from runbooks.game_day import Inputs
from runbooks.guard_rails.lever import Lever
from runbooks.lease_state import lease_of
from runbooks.parsing.inputs import load_inputs, load_target
from runbooks.parsing.schema import json_schema
from runbooks.preflight import Options, preflight
from runbooks.preflight_table import plan_table, preflight_table
from runbooks.run_folder import all_runs, conductor_of, find_run
from runbooks.sandbox.sandbox import list_running
from runbooks.sealing import seal_again
from runbooks.signals import interrupting_signals
from runbooks.stopping import stop_runs

ELSEWHERE = {
    **{
        name: f"runbooks.commands.{name}"
        for name in ("compare", "faults", "history", "init", "lever", "load", "plan", "rerun", "rollback", "verify")
    },
    "sandbox": "runbooks.sandbox.commands",
}


@click.group(cls=LazyGroup, elsewhere=ELSEWHERE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gameday")
def gameday() -> None:
    """Plays game days: load, faults, an automatic halt, evidence, the bottleneck, the incident summary."""


@gameday.command()
@click.argument("runbook", default="drill")
@TARGET
@RUNS
@guard_rails
@NO_LEASE
@WEB_UI
@WEB_PORT
@JSON
def run(  # one argument for each option that is no flag
    runbook: str, target_name: str, runs: Path, web_port: int | None, allow_also: tuple[str, ...], **flags: bool
) -> None:
    """Play RUNBOOK (a file, or a name that `gameday list` prints) on a target."""
    book = find_book(runbook)
    port = web_port_of(web_ui=flags["web_ui"], web_port=web_port)
    sitting = Sitting(runs, flags["allow_production"], as_json=flags["as_json"], web_port=port,
                      no_lease=flags["no_lease"], opt_outs=opted_out(flags))  # fmt: skip

    def inputs_of(target_file: Path) -> Inputs:
        return Inputs(*load_inputs(book, target_file, allow_also=allow_also), runbook, target_name)

    sitting.play(target_name, inputs_of, book)


@gameday.command()
@click.argument("runbook", default="drill")
@TARGET
@RUNS
@guard_rails
@NO_LEASE
def check(runbook: str, target_name: str, runs: Path, allow_also: tuple[str, ...], **flags: bool) -> None:
    """All reads and no writes: can RUNBOOK be played on the target, and may it? Prints the plan with its times."""
    console = Console(highlight=False)
    book = find_book(runbook)
    with open_target(target_name, console, book) as target_file:
        loaded_runbook, target = load_inputs(book, target_file, allow_also=allow_also)
        options = Options(flags["allow_production"], runs, no_lease=flags["no_lease"], opt_outs=opted_out(flags))
        findings = preflight(loaded_runbook, target, options=options)
    console.print(preflight_table(findings))
    console.print(plan_table(loaded_runbook))
    sys.exit(findings.exit_code)


@gameday.command("list")
def list_() -> None:
    """The ready-made runbooks, by the names that `run` and `check` take."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "expects", "title"):
        table.add_column(heading)
    for book in list_books():
        table.add_row(book.name, book.expect, book.title)
    Console(highlight=False).print(table)


@gameday.command()
@click.argument("run_name", metavar="[RUN]", default="")
@RUNS
def stop(run_name: str, runs: Path) -> None:
    """Stop RUN (default: every run going on here): faults healed, load stopped, evidence collected."""
    for line in stop_runs(runs, run_name, Deadline.after(60.0)):
        click.echo(line)


@gameday.command()
@RUNS
@click.option("--gone", multiple=True, metavar="HOST", help="HOST is gone for good, with all that was injected there.")
def heal(runs: Path, gone: tuple[str, ...]) -> None:
    """Heal what dead runs left injected. Exits 13 when something could not be healed."""
    found = tuple(leftovers.find(runs))
    if not found:
        click.echo(f"nothing to heal: no dead run in {runs} has left a fault behind")
    failed = False
    for healing in leftovers.heal_all(found, gone=gone):
        failed = failed or bool(healing.error)
        click.echo(f"NOT HEALED {healing.error}" if healing.error else f"healed {healing.leftover}: {healing.how}")
    sys.exit(13 if failed else 0)


@gameday.command()
@RUNS
@click.option("--target", "target_file", type=click.Path(path_type=Path), help="A target file: also ask who holds it.")
def status(runs: Path, target_file: Path | None) -> None:
    """What runs now, which sandboxes are up, and what dead runs left behind."""
    for line in holders_of(load_target(target_file)) if target_file is not None else ():
        click.echo(line)
    if off := Lever.of(os.environ).read():
        click.echo(f"no game day starts: {off} (gameday lever on)")
    living = [folder for folder in all_runs(runs) if conductor_of(folder) is not None]
    for folder in living:
        click.echo(f"run {folder.name} is going on (end it with: gameday stop {folder.name}){lease_of(folder)}")
    for box in list_running():
        click.echo(f"sandbox {box.name} is up at {box.base_url}")
    found = tuple(leftovers.find(runs))
    for leftover in found:
        click.echo(f"LEFT BEHIND {leftover} (heal it with: gameday heal)")
    if not living and not found:
        click.echo(f"no run is going on in {runs}, and nothing is left behind")
    latest = runs / "latest"
    if latest.is_dir():
        click.echo(f"latest: {latest.resolve().name}: {_outcome(latest)}")


def _outcome(run_folder: Path) -> str:
    if verdict := reader.read(run_folder).last(VerdictReached):
        return verdict.verdict
    return "no verdict yet" if conductor_of(run_folder) else "no verdict: it was killed, or its disk was full"


@gameday.command()
@click.argument("run_name", metavar="[RUN]", default="latest")
@RUNS
def report(run_name: str, runs: Path) -> None:
    """Write the reports of RUN again, from its journal alone."""
    folder = find_run(runs, run_name)
    write_all(folder)
    if unsealed := seal_again(folder, "report"):
        click.echo(unsealed, err=True)
    for name in ("report.html", "report.md", "incident.md", "result.json", "junit.xml"):
        if (folder / name).exists():
            click.echo(folder / name)


@gameday.command()
@click.argument("which", type=click.Choice(["runbook", "target"]), default="runbook")
def schema(which: str) -> None:
    """Print the JSON Schema of runbook or target files, for editors."""
    click.echo(json.dumps(json_schema("target" if which == "target" else "runbook"), indent=2))


def main() -> None:
    """The `gameday` command: every error is one message and an exit code."""
    try:
        with interrupting_signals():
            gameday.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient hand changes the exit code no more
        click.echo("interrupted", err=True)
        sys.exit(11)
    except GamedayError as error:
        click.echo(_say(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        with suppress(OSError):
            sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a disk that is full or can't be read, in a place that has no better word for it
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"gameday: {where}{error.strerror or error}", err=True)
        sys.exit(1)


def _say(error: GamedayError) -> str:
    if isinstance(error, BadInput) and error.defects:
        return "\n".join(map(str, error.defects))
    return f"gameday: {error}"
