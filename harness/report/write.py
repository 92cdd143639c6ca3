"""Renders every view of a run from its journal; `gameday report RUN` and the end of a run both come here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import BadInput, GamedayError
from harness.journal import reader
from harness.journal.reader import JournalView
from harness.report import html, incident, junit, markdown, result, whole_file

View = Callable[[JournalView, Path], None]


def write_all(run_folder: Path, known: JournalView | None = None) -> None:
    """Write result.json, report.md, report.html, junit.xml and, where one opened, incident.md.

    `known` stands in for the journal when a full disk has kept a part of the run out of it.
    A view that fails doesn't keep the others from being written. Raises GamedayError that names those that failed,
    and BadInput when the journal is absent or empty.
    """
    view = known or reader.read(run_folder)
    if not view.records:
        raise BadInput("its journal holds no start of a run", where=str(run_folder), mend="name another run")
    failed: dict[str, Exception] = {}
    for name, write in VIEWS.items():
        try:
            write(view, run_folder)
        except Exception as error:  # noqa: BLE001 - one broken view must not cost the others; it is raised below
            failed[name] = error
    if failed:
        raise _not_written(run_folder, failed) from next(iter(failed.values()))


def _not_written(run_folder: Path, failed: Mapping[str, Exception]) -> GamedayError:
    """One sentence: what the system refuses is told once for all the files, with its mend."""
    names: dict[str, list[str]] = {}
    for name, error in failed.items():
        known = isinstance(error, OSError) and error.strerror
        names.setdefault(known or f"{type(error).__name__}: {error}", []).append(name)
    what = "; ".join(f"{', '.join(those)} can't be written: {why}" for why, those in names.items())
    mend = f"mend the rights or free some space, then: gameday report {run_folder}"
    refused = all(isinstance(error, OSError) for error in failed.values())
    return GamedayError(what, where=str(run_folder), mend=mend if refused else "")


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
