"""The front door: `gameday run | check | list | stop | heal | status | report | rerun | sandbox | schema`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.clock import Deadline
from harness.errors import BadInput, GamedayError
from harness.journal import reader
from harness.journal.record import RunStarted, VerdictReached
from harness.redaction import Redactor
from harness.report.write import write_all
from runbooks import leftovers
from runbooks.books import find_book, list_books
from runbooks.environment import Environment
from runbooks.game_day import GameDay, Inputs, Outcome
from runbooks.parsing.inputs import load_inputs
from runbooks.parsing.schema import json_schema
from runbooks.preflight import Options, preflight
from runbooks.preflight_table import plan_table, preflight_table
from runbooks.run_folder import all_runs, conductor_of, find_run
from runbooks.sandbox.commands import sandbox
from runbooks.sandbox.sandbox import Sandbox, list_running
from runbooks.screen import TerminalScreen
from runbooks.signals import interrupting_signals
from runbooks.slack_preview import unsent_summary
from runbooks.stopping import stop_runs
from runbooks.summary import summary

SANDBOX = "sandbox"
RUNS = click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True,
                    help="The folder that holds the run folders.")  # fmt: skip
TARGET = click.option("--target", "target_name", default=SANDBOX, show_default=True,
                      help="A target file, or: sandbox, sandbox:NAME.")  # fmt: skip
ALLOW_PRODUCTION = click.option("--allow-production", is_flag=True,
                                help="Play on a target whose environment is production.")  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gameday")
def gameday() -> None:
    """Plays game days: load, faults, an automatic halt, evidence, the bottleneck, the incident summary."""


@gameday.command()
@click.argument("runbook", default="drill")
@TARGET
@RUNS
@ALLOW_PRODUCTION
@click.option(
    "--json", "as_json", is_flag=True, help="Print result.json on standard output, the rest on standard error."
)
def run(runbook: str, target_name: str, runs: Path, allow_production: bool, as_json: bool) -> None:  # noqa: FBT001 - click hands options over by name
    """Play RUNBOOK (a file, or a name that `gameday list` prints) on a target."""
    console = Console(stderr=as_json, highlight=False)
    book = find_book(runbook)
    with _target(target_name, console) as target_file:
        loaded = load_inputs(book, target_file)
        inputs = Inputs(loaded[0], loaded[1], runbook, target_name)
        console.print(Text(Redactor().text(inputs.runbook.title), style="bold"), soft_wrap=True)
        console.print(plan_table(inputs.runbook))
        with TerminalScreen(console) as screen:
            options = Options(allow_production=allow_production, runs=runs)
            outcome = GameDay(inputs, runs, options, screen, Environment.read()).play()
    # whoever has stopped reading still gets the run's exit code; Rich turns a broken pipe into SystemExit
    with suppress(BrokenPipeError, SystemExit):
        _show(outcome, console, as_json=as_json)
    sys.exit(outcome.result.exit_code)


def _show(outcome: Outcome, console: Console, *, as_json: bool) -> None:
    if outcome.preflight is not None:
        console.print(preflight_table(outcome.preflight))
    preview = unsent_summary(outcome.folder)
    if preview is not None:
        console.print(preview, soft_wrap=True)
    console.print(summary(outcome.result, outcome.folder), soft_wrap=True)
    if as_json:
        click.echo(outcome.result.model_dump_json(indent=2))


@gameday.command()
@click.argument("runbook", default="drill")
@TARGET
@RUNS
@ALLOW_PRODUCTION
def check(runbook: str, target_name: str, runs: Path, allow_production: bool) -> None:  # noqa: FBT001 - see run
    """All reads and no writes: can RUNBOOK be played on the target, and may it? Prints the plan with its times."""
    console = Console(highlight=False)
    book = find_book(runbook)
    with _target(target_name, console) as target_file:
        loaded_runbook, target = load_inputs(book, target_file)
        findings = preflight(loaded_runbook, target, options=Options(allow_production=allow_production, runs=runs))
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
def heal(runs: Path) -> None:
    """Heal what dead runs left injected. Exits 13 when something could not be healed."""
    found = tuple(leftovers.find(runs))
    if not found:
        click.echo(f"nothing to heal: no dead run in {runs} has left a fault behind")
    failed = False
    for healing in leftovers.heal_all(found):
        failed = failed or bool(healing.error)
        click.echo(f"NOT HEALED {healing.error}" if healing.error else f"healed {healing.leftover}: {healing.how}")
    sys.exit(13 if failed else 0)


@gameday.command()
@RUNS
def status(runs: Path) -> None:
    """What runs now, which sandboxes are up, and what dead runs left behind."""
    living = [folder for folder in all_runs(runs) if conductor_of(folder) is not None]
    for folder in living:
        click.echo(f"run {folder.name} is going on (end it with: gameday stop {folder.name})")
    for box in list_running():
        click.echo(f"sandbox {box.name} is up at {box.base_url}")
    found = tuple(leftovers.find(runs))
    for leftover in found:
        click.echo(f"LEFT BEHIND {leftover} (heal it with: gameday heal)")
    if not living and not found:
        click.echo(f"no run is going on in {runs}, and nothing is left behind")
    latest = runs / "latest"
    if latest.is_dir():
        verdict = reader.read(latest).last(VerdictReached)
        click.echo(f"latest: {latest.resolve().name}: {verdict.verdict if verdict else 'no verdict'}")


@gameday.command()
@click.argument("run_name", metavar="[RUN]", default="latest")
@RUNS
def report(run_name: str, runs: Path) -> None:
    """Write the reports of RUN again, from its journal alone."""
    folder = find_run(runs, run_name)
    write_all(folder)
    for name in ("report.html", "report.md", "incident.md", "result.json", "junit.xml"):
        if (folder / name).exists():
            click.echo(folder / name)


@gameday.command()
@click.argument("run_name", metavar="[RUN]", default="latest")
@RUNS
@click.pass_context
def rerun(context: click.Context, run_name: str, runs: Path) -> None:
    """Play RUN again: the same runbook on the same target."""
    folder = find_run(runs, run_name)
    started = reader.read(folder).first(RunStarted)
    if started is None:
        raise BadInput("its journal holds no start of a run", where=str(folder), mend="name another run")
    context.invoke(run, runbook=started.runbook_path, target_name=started.target_path, runs=runs)


@gameday.command()
@click.argument("which", type=click.Choice(["runbook", "target"]), default="runbook")
def schema(which: str) -> None:
    """Print the JSON Schema of runbook or target files, for editors."""
    click.echo(json.dumps(json_schema("target" if which == "target" else "runbook"), indent=2))


gameday.add_command(sandbox)


@contextmanager
def _target(name: str, console: Console) -> Iterator[Path]:
    """The target file; the sandbox is brought up for as long as it is needed, unless one is up already."""
    kind, _, sandbox_name = name.partition(":")
    if kind != SANDBOX or Path(name).exists():
        yield Path(name)
        return
    running = Sandbox.find(sandbox_name or "default")
    if running is not None:
        yield running.target
        return
    if sandbox_name:
        raise BadInput(f"no sandbox named {sandbox_name} is up", mend=f"gameday sandbox up --name {sandbox_name}")
    console.print("bringing up a sandbox ...")
    with Sandbox.up(owned=True) as box:
        console.print(f"the sandbox is up at {box.base_url}")
        yield box.target


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


def _say(error: GamedayError) -> str:
    if isinstance(error, BadInput) and error.defects:
        return "\n".join(map(str, error.defects))
    return f"gameday: {error}"
