"""A target as a person names it on the command line: a file, or a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from harness.errors import BadInput
from runbooks.commands.options import SANDBOX
from runbooks.parsing.inputs import check_runbook
from runbooks.sandbox.defects import defect_named
from runbooks.sandbox.sandbox import Sandbox


@contextmanager
def open_target(name: str, console: Console, book: Path | None = None) -> Iterator[Path]:
    """The target file; the sandbox is brought up for as long as it is needed, unless one is up already. A sandbox with
    a named defect is always one of its own. None is brought up for a `book` that can't be played anywhere."""
    if name.startswith(f"{SANDBOX}+") and not Path(name).exists():
        # "sandbox+" names no defect: it is no sandbox without one
        with _owned(console, book, defect=name.partition("+")[2] or name) as target_file:
            yield target_file
        return
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
    with _owned(console, book) as target_file:
        yield target_file


@contextmanager
def _owned(console: Console, book: Path | None, defect: str = "") -> Iterator[Path]:
    broken = defect_named(defect)
    if book is not None:
        check_runbook(book)
    console.print(f"bringing up a sandbox with a defect: {broken.what} ..." if defect else "bringing up a sandbox ...")
    with Sandbox.up(owned=True, defect=defect) as box:
        console.print(f"the sandbox is up at {box.base_url}")
        yield box.target
