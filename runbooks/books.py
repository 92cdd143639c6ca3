"""The ready-made runbooks that ship with the project, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.errors import BadInput
from runbooks.parsing.suggestion import suggest

FOLDER = Path(__file__).parent / "books"


@dataclass(frozen=True, slots=True)
class Book:
    """A shipped runbook. `expect` is the verdict that it plays for."""

    name: str
    path: Path
    title: str
    expect: str


def list_books(folder: Path = FOLDER) -> tuple[Book, ...]:
    """Every shipped runbook, by name."""
    return tuple(_book(path) for path in sorted(folder.glob("*.yaml")))


def find_book(name: str, folder: Path = FOLDER) -> Path:
    """The runbook file that `name` means: a path, or the name of a shipped one. Raises BadInput."""
    path = Path(name)
    if path.is_file():
        return path
    shipped = {p.stem: p for p in folder.glob("*.yaml")}
    if name in shipped:
        return shipped[name]
    if path.is_dir():
        raise BadInput(f"{name!r} is a folder", where=name, mend="name a runbook file in it")
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise BadInput("there is no such runbook file", where=name, mend=_near(path))
    raise BadInput(f"there is no runbook {name!r}", mend=suggest(name, shipped, what="gameday list prints"))


def _near(path: Path) -> str:
    beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    return suggest(path.name, beside, what=f"in {path.parent} there is")


def _book(path: Path) -> Book:
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Book(path.stem, path, str(value["title"]), str(value.get("expect", "held")))
