"""The writer of a segment never holds anybody up, and says what it could not write."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from harness.clock import Clock, boot_s
from harness.errors import JournalFailed
from harness.journal import reader, segment
from harness.journal.record import Note, StopDecided
from harness.journal.writer import Journal
from harness.report.verification import verify


def test_two_processes_with_one_name_write_to_segments_of_their_own(tmp_path: Path) -> None:
    place, clock = tmp_path / "journal", Clock.start()
    with Journal(place, "heal-7", clock) as one, Journal(place, "heal-7", clock) as other:
        one.commit(Note(text="one"))
        other.commit(Note(text="other"))
        one.commit(Note(text="one again"))
    assert sorted(file.name for file in place.iterdir()) == ["heal-7-2.jsonl", "heal-7.jsonl"]
    assert len(reader.read(tmp_path).of(Note)) == 3
    assert verify(tmp_path).flaws == ()


def test_a_segment_that_can_not_be_opened_costs_its_records_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with Journal(tmp_path / "journal", "healer", Clock.start()) as journal:
        journal.write(Note(text="lost"))
        assert journal.flush()
        assert journal.lost == 1
        assert journal.last_error in ("File exists", "Not a directory")
        with pytest.raises(JournalFailed):
            journal.commit(Note(text="must not be lost"))


def test_nobody_waits_for_a_disk_that_hangs_longer_than_they_said(tmp_path: Path, monkeypatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(segment.os, "fsync", lambda _fd: hanging.wait(30))
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as journal:
        try:
            begun = boot_s()
            journal.write(StopDecided(source="person", reason="r", decided_at=1.0))
            assert boot_s() - begun < 1
            with pytest.raises(JournalFailed, match=r"did not take a record in 0\.2 s"):
                journal.commit(Note(text="x"), timeout_s=0.2)
            assert journal.position(0.1) is None
            assert journal.stuck_s > 0.1
        finally:
            hanging.set()
        assert journal.flush()
        assert journal.stuck_s == 0 or journal.stuck_s < 1


def test_what_comes_behind_the_last_record_is_not_written(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as journal:
        journal.commit(Note(text="the last"), last=True)
        journal.write(Note(text="too late"))
        with pytest.raises(JournalFailed, match="closed"):
            journal.commit(Note(text="much too late"))
    assert [note.text for note in reader.read(tmp_path).of(Note)] == ["the last"]
