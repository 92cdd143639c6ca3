"""The chain of a segment: any byte that is changed, removed or inserted in a sealed run is found, wherever it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.clock import Clock
from harness.journal import chain, reader
from harness.journal.record import FaultHealed, Note, Readings, UndoWritten
from harness.journal.seal import seal
from harness.journal.writer import Journal
from harness.report.verification import verify

NAMES = ("conductor", "healer")


def write_run(folder: Path) -> Path:
    """A sealed run with two segments, one of them opened twice, and files beside the journal."""
    clock, place = Clock.start(), folder / "journal"
    with Journal(place, "conductor", clock) as conductor, Journal(place, "healer", clock) as healer:
        conductor.write(Note(t=0.5, text="begun, mit Umlauten äöü"))
        conductor.commit(UndoWritten(t=1.0, fault_id="f1", undo={"door": "toxic"}))
        for number in range(5):
            conductor.write(Readings(t=2.0 + number, source="app-1", values={"cpu": number / 7}))
        healer.write(FaultHealed(t=7.5, fault_id="f1", by="healer"))
        healer.close()
        with Journal(place, "healer", clock) as again:
            again.write(Note(t=7.6, text="once more"))
        (folder / "evidence").mkdir()
        (folder / "evidence" / "app.log").write_text("GET / 200\n")
        (folder / "result.json").write_text("{}\n")
        seal(folder, conductor, by="conductor")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


def changed(place: Path, change: Callable[[bytes], bytes], run: Path) -> bool:
    """Whether `verify` finds the change; the file is as it was afterwards."""
    before = place.read_bytes()
    after = change(before)
    assert after != before
    place.write_bytes(after)
    try:
        return verify(run).state == "changed"
    finally:
        place.write_bytes(before)


def test_a_run_that_nobody_touched_is_intact_and_its_head_is_told(run):
    found = verify(run)
    assert (found.state, found.flaws, found.notes) == ("intact", (), ())
    assert found.head == json.loads((run / "journal" / "seal.json").read_text())["seals"][-1]["head"]


@settings(max_examples=150, deadline=None, database=None)
@given(
    name=st.sampled_from([f"journal/{name}.jsonl" for name in NAMES] + ["journal/seal.json", "evidence/app.log"]),
    where=st.floats(0, 1, exclude_max=True),
    how=st.sampled_from(["flip", "insert", "delete", "cut"]),
    value=st.integers(1, 255),
)
def test_any_byte_that_is_changed_inserted_or_removed_anywhere_is_found(run, name, where, how, value):
    def change(text: bytes) -> bytes:
        at = int(where * len(text))
        if how == "flip":
            return text[:at] + bytes([text[at] ^ value]) + text[at + 1 :]
        if how == "insert":
            return text[:at] + bytes([value]) + text[at:]
        return text[:at] if how == "cut" else text[:at] + text[at + 1 :]

    assert changed(run / name, change, run)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_that_is_removed_doubled_or_moved_is_found_and_named(run, name):
    place = run / "journal" / f"{name}.jsonl"
    lines = place.read_bytes().splitlines(keepends=True)
    for at in range(len(lines)):
        assert changed(place, lambda _, at=at: b"".join(lines[:at] + lines[at + 1 :]), run)
        assert changed(place, lambda _, at=at: b"".join(lines[: at + 1] + lines[at:]), run)
        if at:
            moved = [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]]
            assert changed(place, lambda _, moved=moved: b"".join(moved), run)
    assert changed(place, lambda text: text + b"\n", run)
    assert changed(place, lambda text: text + lines[-1], run)


def test_a_changed_line_is_named_with_its_file_its_line_and_its_first_byte(run):
    place = run / "journal" / "conductor.jsonl"
    before = place.read_bytes()
    lines = before.splitlines(keepends=True)
    place.write_bytes(before.replace(b'"fault_id":"f1"', b'"fault_id":"f2"', 1))
    try:
        (flaw,) = verify(run).flaws
    finally:
        place.write_bytes(before)
    assert (flaw.file, flaw.line, flaw.byte) == ("journal/conductor.jsonl", 3, len(lines[0] + lines[1]))


def test_a_whole_segment_that_is_gone_renamed_or_slipped_in_is_found(run, tmp_path):
    place = run / "journal" / "healer.jsonl"
    other = place.with_name("heal-1.jsonl")
    text = place.read_bytes()
    place.rename(other)
    assert {"the whole segment is missing"} < {flaw.what for flaw in verify(run).flaws}
    other.rename(place)
    with Journal(tmp_path / "journal", "heal-1", Clock.start()) as elsewhere:
        elsewhere.write(Note(t=1.0, text="never happened"))
    other.write_bytes((tmp_path / "journal" / "heal-1.jsonl").read_bytes())
    assert "inserted" in verify(run).flaws[0].what
    other.unlink()
    assert place.read_bytes() == text
    assert verify(run).state == "intact"


def test_the_seal_can_not_be_taken_away(run):
    place = run / "journal" / "seal.json"
    text = place.read_text()
    place.unlink()
    assert [flaw.file for flaw in verify(run).flaws] == ["journal/seal.json"]
    place.write_text(text)


def test_another_file_of_the_run_that_was_changed_or_removed_is_found_and_a_new_one_is_told(run):
    place = run / "result.json"
    place.write_text('{"verdict": "held"}\n')
    assert [flaw.file for flaw in verify(run).flaws] == ["result.json"]
    place.unlink()
    assert verify(run).flaws[0].what == "the file is missing"
    place.write_text("{}\n")
    (run / "notes.txt").write_text("mine")
    found = verify(run)
    assert (found.state, found.notes) == ("intact", ("notes.txt was added since the run was sealed",))
    (run / "notes.txt").unlink()


def test_what_no_seal_can_know_is_told(run):
    strange = run / "journal" / "notes.txt", run / "link"
    strange[0].write_text("mine")
    strange[1].symlink_to("result.json")
    notes = verify(run).notes
    assert notes == tuple(f"{name} is no file of a run: nobody looks at it" for name in ("journal/notes.txt", "link"))
    for place in strange:
        place.unlink()


def test_a_segment_that_only_claims_to_follow_the_seal_is_told(run):
    head = json.loads((run / "journal" / "seal.json").read_text())["seals"][-1]["head"]
    opening = {"kind": "segment-opened", "t": 1.0, "segment": "heal-9", "pid": 9, "seal": head}
    place = run / "journal" / "heal-9.jsonl"
    place.write_bytes(chain.linked(chain.start("heal-9"), json.dumps(opening).encode()))
    assert verify(run).notes == (
        "journal/heal-9.jsonl was begun behind the seal and never sealed: nobody vouches for it",
    )
    place.unlink()


@pytest.mark.parametrize("lines", [0, -5])
def test_a_seal_with_numbers_that_no_seal_has_is_a_flaw(tmp_path, lines):
    run = write_run(tmp_path)
    place = run / "journal" / "seal.json"
    seals = json.loads(place.read_text())
    seals["seals"][-1]["lines"] = lines
    place.write_text(json.dumps(seals, indent=2) + "\n")
    for segment in (run / "journal").glob("*.jsonl"):
        segment.write_bytes(b"")
    assert verify(run).state == "changed"


def test_what_a_later_command_adds_follows_on_from_the_seal(tmp_path):
    run = write_run(tmp_path)
    clock = Clock.start()
    with Journal(run / "journal", "heal-7", clock) as journal:
        journal.write(FaultHealed(t=9.0, fault_id="f1", by="heal"))
        journal.flush()
        assert verify(run).state == "intact"
        (run / "result.json").write_text("{ }\n")
        seal(run, journal, by="heal")
    found = verify(run)
    assert found.state == "intact"
    assert len(json.loads((run / "journal" / "seal.json").read_text())["seals"]) == 2
    assert changed(run / "journal" / "heal-7.jsonl", lambda text: text.replace(b"f1", b"f2"), run)
    assert changed(run / "journal" / "conductor.jsonl", lambda text: text[:-1], run)


def test_a_head_that_was_written_down_tells_a_journal_that_was_written_anew(run, tmp_path):
    head = verify(run).head
    assert "its last" in verify(run, head[:16]).notes[0]
    forged = write_run(tmp_path)  # whole and consistent, and not what was told
    assert verify(forged).state == "intact"
    assert "written anew" in verify(forged, head[:16]).flaws[0].what


def test_a_head_told_in_mid_run_proves_what_stood_up_to_there(run):
    third = [link.head for link in chain.walk(run / "journal" / "conductor.jsonl", "conductor")][2]
    found = verify(run, third)
    assert found.state == "intact"
    assert "line 3" in found.notes[0]
    assert "6 more" in found.notes[0]


def test_the_chain_can_be_followed_with_a_hash_function_and_nothing_else(run):
    state = hashlib.sha256(b"gameday journal conductor").hexdigest()
    for line in (run / "journal" / "conductor.jsonl").read_bytes().splitlines(keepends=True):
        assert json.loads(line)["chain"] == state
        state = hashlib.sha256(state.encode() + line).hexdigest()
    assert state == verify(run).head


def test_a_run_of_an_older_gameday_is_said_to_have_no_chain(tmp_path):
    (tmp_path / "journal").mkdir()
    old = tmp_path / "journal" / "conductor.jsonl"
    old.write_text('{"t":1.0,"kind":"note","level":"info","text":"a"}\n{"t":2.0,"kind":"note","level":"info","te')
    assert verify(tmp_path).state == "no chain"
    assert "older gameday" in verify(tmp_path).notes[0]
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as journal:
        journal.write(Note(t=3.0, text="b"))
    found = verify(tmp_path)
    assert (found.state, found.flaws) == ("not sealed", ())
    assert [note.text for note in reader.read(tmp_path).of(Note)] == ["a", "b"]
