from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.errors import BadInput, GamedayError
from harness.journal import record as r
from harness.report.write import write_all

WriteRun = Callable[[Sequence[r.Record]], Path]


def test_all_views_of_a_stopped_run_are_written(write_run: WriteRun, stopped_records: list[r.Record]) -> None:
    folder = write_run(stopped_records)
    write_all(folder)
    written = {path.name for path in folder.iterdir()}
    assert written == {"journal", "result.json", "report.md", "report.html", "incident.md", "junit.xml"}


def test_a_held_run_has_no_incident(write_run: WriteRun, held_records: list[r.Record]) -> None:
    folder = write_run([record for record in held_records if not isinstance(record, r.Window)])
    write_all(folder)
    assert not (folder / "incident.md").exists()
    assert json.loads((folder / "result.json").read_text())["verdict"] == "held"


def test_a_journal_torn_by_a_kill_is_reported_as_far_as_it_goes(
    write_run: WriteRun, killed_records: list[r.Record]
) -> None:
    folder = write_run([record for record in killed_records if not isinstance(record, r.Window)])
    segment = folder / "journal" / "conductor.jsonl"
    segment.write_bytes(segment.read_bytes() + b'{"kind":"window","t":38.9,"sta')
    write_all(folder)
    assert json.loads((folder / "result.json").read_text())["verdict"] is None
    assert "1 line that can't be read" in (folder / "report.md").read_text()


def test_a_run_that_only_started_has_its_reports(write_run: WriteRun, stopped_records: list[r.Record]) -> None:
    folder = write_run(stopped_records[:1])
    write_all(folder)
    assert (folder / "report.html").stat().st_size > 1000


def test_one_view_that_fails_does_not_cost_the_others(write_run: WriteRun, stopped_records: list[r.Record]) -> None:
    folder = write_run([record for record in stopped_records if not isinstance(record, r.Window)])
    (folder / "report.md").mkdir()
    with pytest.raises(GamedayError, match=r"report\.md can't be written: Is a directory") as raised:
        write_all(folder)
    assert "report.html" not in str(raised.value)
    assert all((folder / name).is_file() for name in ("result.json", "incident.md", "junit.xml", "report.html"))


def test_what_the_system_refuses_for_all_files_is_told_once(write_run: WriteRun, held_records: list[r.Record]) -> None:
    folder = write_run([record for record in held_records if not isinstance(record, r.Window)])
    for name in ("result.json", "report.md", "junit.xml", "report.html"):
        (folder / name).mkdir()
    with pytest.raises(GamedayError) as raised:
        write_all(folder)
    assert str(raised.value) == (
        f"{folder}: result.json, report.md, junit.xml, report.html can't be written: Is a directory "
        f"(mend the rights or free some space, then: gameday report {folder})"
    )


def test_a_folder_without_a_journal_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="its journal holds no start of a run"):
        write_all(tmp_path)


def test_reports_can_be_written_again(write_run: WriteRun, held_records: list[r.Record]) -> None:
    folder = write_run([record for record in held_records if not isinstance(record, r.Window)])
    write_all(folder)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    write_all(folder)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
