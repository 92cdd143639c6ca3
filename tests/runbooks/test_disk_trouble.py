"""A disk that fills or fails in mid-run: the halt works, what can be recorded is, and what is not is said."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from faults.process import start_ticks
from faults.undo import ProcessUndo
from harness.clock import Clock, Deadline
from harness.errors import GamedayError
from harness.journal import reader, segment
from harness.journal.record import (
    FaultHealed,
    LoadStopped,
    Note,
    RunStarted,
    StopDecided,
    UndoWritten,
    VerdictReached,
)
from harness.journal.writer import Journal
from harness.redaction import Redactor
from harness.report.verification import verify
from harness.report.write import write_all
from runbooks import leftovers
from runbooks.emergency import Aftermath, Emergency
from runbooks.sealing import close_run

STARTED = RunStarted(
    run="r1", version="1", started_at="2026-01-01T00:00:00+00:00", runbook="t", runbook_path="r.yaml", hypothesis="h",
    expect="held", target="t", target_path="t.yaml", environment="practice", base_url="http://127.0.0.1",
)  # fmt: skip


def mounted(place: Path, options: str) -> None:
    place.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "gameday-test", str(place)],
        capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    if mounting.returncode:
        why = f"a disk of our own needs root: {mounting.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    place = tmp_path / "disk"
    mounted(place, "size=128k")
    yield place
    subprocess.run(["umount", "-l", str(place)], timeout=10, check=True)


def fill(place: Path) -> None:
    """To the last byte."""
    with (place / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 512):
            pass


def once_injected(fakes, action: Callable[[], None]) -> None:
    def wait() -> None:
        deadline, pause = Deadline.after(20), threading.Event()
        while "inject f1" not in fakes.log and not deadline.passed:
            pause.wait(0.01)
        action()

    threading.Thread(target=wait, daemon=True).start()


@pytest.fixture
def on_small_disk(theatre, small_disk):
    theatre.folder = small_disk
    return theatre


def test_a_disk_that_is_full_in_mid_run_halts_it_and_hides_neither_reason_nor_records(on_small_disk, small_disk):
    fakes = on_small_disk.build([on_small_disk.fault("f1", 0.0, 60.0)])
    fakes.stage.recorder.record(STARTED)
    once_injected(fakes, lambda: fill(small_disk))
    fakes.conductor.play()
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.load.stopped_at is not None
    view = fakes.stage.recorder.view()
    assert "No space left on device" in view.first(StopDecided).reason
    # memory holds what the disk does not, and the disk holds whole records only
    journal, run = fakes.stage.recorder.journal, small_disk / "r1"
    assert "records of the journal could not be written" in close_run(run, journal, None)
    run.mkdir(exist_ok=True)
    journal.path.parent.rename(run / "journal")
    on_disk = reader.read(run)
    assert on_disk.unreadable == 0
    assert 0 < len(on_disk.records) < len(view.records)
    assert verify(run).state == "not sealed"


def test_when_the_disk_has_room_again_the_chain_goes_on_over_what_was_lost(small_disk):
    with Journal(small_disk / "journal", "conductor", Clock.start()) as journal:
        journal.commit(STARTED)
        fill(small_disk)
        with pytest.raises(GamedayError, match="No space left on device"):
            journal.commit(Note(text="x" * 5000))  # more than is left of the page that is begun
        (small_disk / "filler").unlink()
        journal.commit(Note(text="room again"))
    view = reader.read(small_disk)
    assert view.last(Note).text == "room again"
    assert view.unreadable == 0
    assert verify(small_disk).flaws == ()


def test_after_the_halt_a_full_disk_is_told_file_by_file_and_the_verdict_stands(on_small_disk, small_disk):
    fill(small_disk)
    fakes = on_small_disk.build()
    recorder = fakes.stage.recorder
    stop = StopDecided(source="person", reason="Ctrl-C", decided_at=1.0)
    for record in (STARTED, stop, LoadStopped(at=1.1, how="asked")):
        recorder.record(record)
    aftermath = Aftermath(
        run_folder=small_disk, recorder=recorder, redactor=Redactor(), collector=NoCollector(), databases=(),
        slack=None, hurry=threading.Event(),
    )  # fmt: skip
    Emergency(aftermath).carry_out()
    told = " ".join(note.text for note in recorder.view().of(Note))
    assert recorder.view().first(VerdictReached) is not None
    assert "result.json could not be written: No space left on device" in told
    assert "report.html" in told
    assert "evidence could not be written" in told


class NoCollector:
    def collect(self, _bundle: object, _seconds: float) -> None:
        """There is nothing to collect."""


def test_an_fsync_that_fails_refuses_the_injection_and_halts_the_run(theatre, monkeypatch):
    def fails(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    fakes = theatre.build([theatre.fault("f1", 0.0, 60.0)])

    def fail() -> None:
        monkeypatch.setattr(segment.os, "fsync", fails)
        with pytest.raises(GamedayError, match="Input/output error"):
            fakes.stage.recorder.journal.commit(UndoWritten(fault_id="f2", undo={}))

    once_injected(fakes, fail)
    fakes.conductor.play()
    assert "Input/output error" in fakes.stage.recorder.view().first(StopDecided).reason
    assert fakes.log == ["inject f1", "heal f1"]


def test_a_breach_is_acted_on_and_kept_in_memory_when_the_run_folder_can_not_be_written_any_more(theatre, monkeypatch):
    def read_only(_fd: int, _data: bytes) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    fakes = theatre.build([theatre.fault("f1", 0.0, 60.0)], break_on_inject="f1")
    once_injected(fakes, lambda: monkeypatch.setattr(segment.os, "write", read_only))
    fakes.conductor.play()
    assert fakes.stage.recorder.view().first(StopDecided) is not None
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.load.stopped_at is not None


@pytest.fixture
def read_only_run(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A dead run in a folder that can't be written any more, which left a load process behind."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    place = tmp_path / "disk"
    mounted(place, "size=512k")
    run = place / "runs" / "r1"
    undo = ProcessUndo(fault_id="load", pgid=process.pid, start_ticks=start_ticks(process.pid) or 0, what="locust")
    with Journal(run / "journal", "conductor", Clock.start()) as journal:
        journal.commit(STARTED)
        journal.commit(UndoWritten(t=1.0, fault_id="load", undo=undo.model_dump()))
    subprocess.run(["mount", "-o", "remount,ro", str(place)], timeout=10, check=True)
    yield run, process
    subprocess.run(["umount", "-l", str(place)], timeout=10, check=True)
    process.kill()
    process.wait(5)


def test_what_a_dead_run_left_is_healed_from_a_read_only_run_folder_and_that_it_was_not_written_is_said(read_only_run):
    run, process = read_only_run
    (healing,) = leftovers.heal_all(tuple(leftovers.find(run.parent)))
    assert healing.error == ""
    assert "could not be written down: Read-only file system" in healing.how
    assert process.wait(5) != 0
    assert reader.read(run).first(FaultHealed) is None
    with pytest.raises(GamedayError, match=r"result\.json.*can't be written: Read-only file system"):
        write_all(run)
    assert verify(run).state == "not sealed"
