"""Renders every view of a run from its journal; `gameday report RUN` and the end of a run both come here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import GamedayError
from harness.journal import reader
from harness.journal.reader import JournalView
from harness.report import html, incident, junit, markdown, result, whole_file

View = Callable[[JournalView, Path], None]


def write_all(run_folder: Path, known: JournalView | None = None) -> None:
    """Write result.json, report.md, report.html, junit.xml and, where one opened, incident.md.

    `known` stands in for the journal when a full disk has kept a part of the run out of it.
    A view that fails doesn't keep the others from being written. Raises GamedayError that names those that failed,
    or when there is no journal to read.
    """
    view = known or reader.read(run_folder)
    if not view.records:
        raise GamedayError("the run has no journal to report on", where=str(run_folder / "journal"))
    failed: dict[str, Exception] = {}
    for name, write in VIEWS.items():
        try:
            write(view, run_folder)
        except Exception as error:  # noqa: BLE001 - one broken view must not cost the others; it is raised below
            failed[name] = error
    if failed:
        why = "; ".join(f"{name}: {type(error).__name__}: {error}" for name, error in failed.items())
        raise GamedayError(f"not every report could be written: {why}", where=str(run_folder)) from next(
            iter(failed.values())
        )


def _result(view: JournalView, run_folder: Path) -> None:
    result.write(run_folder, result.build(view))


def _markdown(view: JournalView, run_folder: Path) -> None:
    whole_file.write(run_folder / markdown.FILE, markdown.render(view, run_folder))


def _incident(view: JournalView, run_folder: Path) -> None:
    if incident.opened(view):
        incident.write_markdown(incident.build(view, run_folder), run_folder)


def _junit(view: JournalView, run_folder: Path) -> None:
    whole_file.write(run_folder / junit.FILE, junit.render(view))


def _html(view: JournalView, run_folder: Path) -> None:
    whole_file.write(run_folder / html.FILE, html.render(view, run_folder))


VIEWS: Mapping[str, View] = {
    result.FILE: _result,
    incident.FILE: _incident,
    markdown.FILE: _markdown,
    junit.FILE: _junit,
    html.FILE: _html,
}
