"""Runbooks by name or by path."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import BadInput
from runbooks.books import FOLDER, Book, find_book, list_books


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for name, text in (("drill", "title: A drill\nexpect: stopped\n"), ("load", "title: Plain load\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_books_are_listed_by_name_with_what_they_expect(shelf: Path) -> None:
    assert list_books(shelf) == (
        Book("drill", shelf / "drill.yaml", "A drill", "stopped"),
        Book("load", shelf / "load.yaml", "Plain load", "held"),
    )


def test_a_name_or_a_path_finds_the_file(shelf: Path) -> None:
    assert find_book("drill", shelf) == shelf / "drill.yaml"
    assert find_book(str(shelf / "load.yaml"), shelf) == shelf / "load.yaml"


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("dril", "did you mean 'drill'?"),
        ("x", "gameday list prints: drill, load"),
        ("{}/lod.yaml", "did you mean 'load.yaml'?"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(shelf: Path, name: str, mend: str) -> None:
    with pytest.raises(BadInput) as caught:
        find_book(name.format(shelf), shelf)
    assert caught.value.mend == mend


def test_a_folder_is_no_runbook(shelf: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        find_book(str(shelf), shelf)


def test_the_shipped_books_can_be_listed() -> None:
    assert [book.path for book in list_books()] == sorted(FOLDER.glob("*.yaml"))
    assert all(book.title for book in list_books())
