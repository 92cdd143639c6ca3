"""docs/guide.md: every command exists, with its options, runbook and defect; each shipped thing is in it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from runbooks.books import list_books
from runbooks.cli import gameday
from runbooks.sandbox.defects import DEFECTS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!the guide|gameday promises|the flow|---)(.+?) \| (.+?) \|$", GUIDE, re.MULTILINE)
COMMANDS = sorted({command for _, cell in ROWS for command in re.findall(r"`([^`]+)`", cell)})


def test_every_row_has_one_command_that_shows_it() -> None:
    assert len(ROWS) > 60
    assert [line for line, cell in ROWS if not re.fullmatch(r"`[^`]+`", cell)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_exists_as_it_stands(command: str) -> None:
    program, *words = shlex.split(command)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert program == "gameday"
    found = gameday.get_command(click.Context(gameday), words[0])
    assert found is not None, f"no command {words[0]}"
    if "--help" not in words:
        found.make_context(words[0], words[1:])


def test_every_shipped_runbook_and_every_defect_is_shown() -> None:
    words = {word for command in COMMANDS for word in shlex.split(command)}
    assert {book.name for book in list_books()} - words <= {"load"}
    assert {f"sandbox+{name}" for name in DEFECTS} <= words
    assert {word.partition("+")[2] for word in words if word.startswith("sandbox+")} <= set(DEFECTS)
    runbooks = {shlex.split(c)[2] for c in COMMANDS if re.match(r"gameday (run|check|plan) [a-z]", c)}
    assert runbooks <= {book.name for book in list_books()}
