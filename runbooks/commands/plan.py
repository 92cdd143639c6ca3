"""`gameday plan`: the exercise on one page, for approval."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from harness.errors import BadInput
from harness.redaction import Redactor
from harness.report import whole_file
from runbooks.books import find_book
from runbooks.commands.options import SANDBOX, TARGET
from runbooks.parsing.inputs import load_inputs
from runbooks.parsing.stand_in import with_stand_ins
from runbooks.plan_page import plan_page
from runbooks.sandbox.defects import defect_named
from runbooks.sandbox.lineup import Lineup, Listening
from runbooks.sandbox.sandbox import Sandbox


@click.command()
@click.argument("runbook", default="drill")
@TARGET
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there.")
def plan(runbook: str, target_name: str, output: Path | None) -> None:
    """The exercise as one page of Markdown, for approval. Reads the files only: no network, no secrets."""
    book = find_book(runbook)
    with _target_of(target_name) as (target_path, fleeting):
        environment = with_stand_ins((book, target_path), os.environ)
        loaded, target = load_inputs(book, target_path, environment=environment)
    hide = Redactor((*target.secrets(), *loaded.hidden))
    page = hide.text(plan_page(loaded, target, (runbook, target_name), fleeting=fleeting))
    if output is None:
        click.echo(page, nl=False)
        return
    try:
        whole_file.write(output, page)
    except OSError as error:
        raise BadInput(f"can't be written: {error.strerror}", where=str(output), mend="choose another file") from error
    click.echo(f"wrote {output}")


@contextmanager
def _target_of(name: str) -> Iterator[tuple[Path, bool]]:
    """The target file, and whether it is one that comes and goes with the game day."""
    if name.startswith(f"{SANDBOX}+") and not Path(name).exists():
        defect_named(name.partition("+")[2] or name)
        with tempfile.TemporaryDirectory(prefix="gameday-plan-") as folder:
            yield _sandbox_to_come(Path(folder)), True
        return
    kind, _, sandbox_name = name.partition(":")
    if kind != SANDBOX or Path(name).exists():
        yield Path(name), False
        return
    running = Sandbox.find(sandbox_name or "default")
    if running is not None:
        yield running.target, False
    elif sandbox_name:
        raise BadInput(f"no sandbox named {sandbox_name} is up", mend=f"gameday sandbox up --name {sandbox_name}")
    else:
        with tempfile.TemporaryDirectory(prefix="gameday-plan-") as folder:
            yield _sandbox_to_come(Path(folder)), True


def _sandbox_to_come(folder: Path) -> Path:
    """The target of a sandbox that is not up: nothing is started, and its addresses will be others."""
    listening = Listening.open()
    try:
        return Lineup(folder, listening, bypass=False).write_files()
    finally:
        listening.close()
