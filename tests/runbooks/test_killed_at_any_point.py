"""Wherever a kill cut the journal off: `status`, `heal` and `report` work from what is there, and the chain goes on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import front_door
import pytest

from faults.undo import ToxicUndo
from harness.clock import Clock
from harness.journal import reader
from harness.journal.plan import PlannedFault
from harness.journal.record import (
    Breach,
    FaultHealed,
    FaultInjected,
    Note,
    PhaseStarted,
    Proof,
    RequestStats,
    RunStarted,
    StopDecided,
    UndoWritten,
    Window,
)
from harness.journal.seal import seal
from harness.journal.writer import Journal
from harness.report import write
from harness.report.verification import verify

Gameday = Callable[..., tuple[int, str]]


def write_run(folder: Path, port: int) -> Path:
    clock = Clock.start()
    undo = ToxicUndo(
        fault_id="f1", api_url=f"http://127.0.0.1:{port}", proxy="p", listen="127.0.0.1:1", upstream="127.0.0.1:2",
        enabled=True, toxic="gd-t",
    )  # fmt: skip
    started = RunStarted(
        run="r1", version="1", started_at=clock.started_at.isoformat(), runbook="Über allem", runbook_path="r.yaml",
        hypothesis="h", expect="held", target="t", target_path="t.yaml", environment="practice",
        base_url="http://127.0.0.1", epoch_boot_s=clock.epoch_boot_s,
        faults=(PlannedFault(id="f1", name="slow", fault_kind="latency", proxy="p"),),
    )  # fmt: skip
    with Journal(folder / "journal", "conductor", clock) as journal:
        for record in (
            started,
            PhaseStarted(t=1.0, name="baseline"),
            Window(t=1.3, start=1.0, end=1.25, names={"GET /": RequestStats(requests=3, histogram={900: 3})}, users=5),
            UndoWritten(t=2.0, fault_id="f1", undo=undo.model_dump()),
            FaultInjected(t=2.1, fault_id="f1", name="slow", fault_kind="latency", proxy="p"),
            Proof(t=2.5, fault_id="f1", side="wire", expected="50 ms", measured="51 ms", effective=True),
            Breach(t=3.0, condition="error_rate", source="all", text="10 of 10 failed", breach_at=3.0),
            StopDecided(t=3.0, source="condition", reason="10 of 10 failed", decided_at=3.0),
        ):
            journal.write(record)
    return folder


@pytest.fixture(scope="module")
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def run(tmp_path: Path, closed_port: int) -> Path:
    run = write_run(tmp_path / "runs" / "r1", closed_port)
    (tmp_path / "runs" / "latest").symlink_to("r1")
    return run


@pytest.fixture
def gameday(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gameday:
    monkeypatch.chdir(tmp_path)

    def play(*args: str) -> tuple[int, str]:
        said = front_door.play(monkeypatch, capsys, *args)
        return said.code, said.text

    return play


def cuts(text: bytes) -> Iterator[tuple[int, bool]]:
    """Where a kill may cut, one of each kind in each line; and whether the undo record is whole then."""
    start = 0
    for line in text.splitlines(keepends=True):
        for at in (0, 1, 40, 76, 77, len(line) // 2, len(line) - 2, len(line) - 1):
            yield start + at, b'"kind":"undo"' in text[: start + at].rpartition(b"\n")[0]
        start += len(line)
    yield len(text), True


def test_whatever_a_kill_left_of_it_is_read_and_healed_and_the_chain_goes_on(run, gameday):
    """`report` renders for seconds: it is played for a few of the cuts below."""
    segment = run / "journal" / "conductor.jsonl"
    text = segment.read_bytes()
    for cut, with_undo in cuts(text):
        segment.write_bytes(text[:cut])
        code, said = gameday("status")
        assert code == 0, cut
        left = "LEFT BEHIND f1" in said
        assert left or not with_undo, cut
        code, said = gameday("heal")
        assert code == 0, cut
        assert ("healed f1" in said) == left
        assert "LEFT BEHIND" not in gameday("status")[1]
        assert verify(run).flaws == (), cut
        with Journal(run / "journal", "conductor", Clock.start()) as again:  # half a line is ended, and gone on from
            again.write(Note(t=9.0, text="again"))
        assert verify(run).flaws == (), cut
        assert reader.read(run).last(Note).text == "again"
        for place in (run / "journal").glob("heal-*"):
            place.unlink()


def test_a_leftover_is_named_as_the_runbook_names_it(run, gameday):
    assert "LEFT BEHIND f1 slow (toxic on proxy p) of run r1 (heal it with: gameday heal)\n" in gameday("status")[1]


@pytest.mark.parametrize("lines", [0, 1, 1.5])
def test_without_the_start_of_a_run_a_report_says_so(run, gameday, lines):
    cut_after(run, lines)
    code, said = gameday("report")
    assert (code, "its journal holds no start of a run" in said) == (2, True)


@pytest.mark.parametrize("lines", [2, 6.5])
def test_reports_are_written_from_what_is_there(run, gameday, lines):
    cut_after(run, lines)
    code, said = gameday("report")
    assert (code, "report.html" in said) == (0, True)
    assert "Über allem" in (run / "report.md").read_text(encoding="utf-8")


def cut_after(run: Path, lines: float) -> None:
    """A half: in the middle of the next line."""
    segment = run / "journal" / "conductor.jsonl"
    there = segment.read_bytes().splitlines(keepends=True)
    half = there[int(lines)][:100] if lines % 1 else b""
    segment.write_bytes(b"".join(there[: int(lines)]) + half)


def test_a_run_whose_first_lines_are_lost_is_healed_once_and_for_all(run, gameday):
    """The time of the healing comes after the undo record's, whatever is known of the run's clock."""
    segment = run / "journal" / "conductor.jsonl"
    segment.write_bytes(b"\n".join(segment.read_bytes().split(b"\n")[2:]))
    assert gameday("heal")[0] == 0
    assert "LEFT BEHIND" not in gameday("status")[1]
    healed, undo = reader.read(run).first(FaultHealed), reader.read(run).first(UndoWritten)
    assert healed.t > undo.t


def test_a_leftover_is_healed_once_and_for_all_though_the_wall_clock_was_set_back_by_an_hour(run, gameday, monkeypatch):
    segment = run / "journal" / "conductor.jsonl"
    now = Clock.start().started_at
    later = now.replace(year=now.year + 1).isoformat()
    segment.write_bytes(segment.read_bytes().replace(now.isoformat()[:10].encode(), later[:10].encode()))
    assert "healed f1" in gameday("heal")[1]
    assert "LEFT BEHIND" not in gameday("status")[1]


def test_verify_says_what_it_finds_by_its_exit_code(run, gameday):
    code, said = gameday("verify", "r1")
    assert (code, "can't be vouched for" in said) == (12, True)
    with Journal(run / "journal", "conductor", Clock.start()) as journal:
        head = seal(run, journal, by="conductor")
    code, said = gameday("verify", "r1", "--head", head[:16])
    assert (code, head in said) == (0, True)
    code, said = gameday("verify", "--head", "0123456789ab", "r1")
    assert (code, "no line has the head" in said) == (10, True)
    assert gameday("verify", "--head", "zz", "r1")[0] == 2
    assert gameday("verify", "nosuch")[0] == 2
    segment = run / "journal" / "conductor.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"10 of 10 failed", b"10 of 99 failed", 1))
    code, said = gameday("verify", "r1")
    assert code == 10
    assert "CHANGED  journal/conductor.jsonl:8 (from byte" in said


def test_reports_written_again_after_the_seal_are_sealed_again(run, gameday, monkeypatch):
    quick = {name: view for name, view in write.VIEWS.items() if name != "report.html"}
    monkeypatch.setattr(write, "VIEWS", quick)
    assert gameday("report", "r1")[0] == 0
    with Journal(run / "journal", "conductor", Clock.start()) as journal:
        seal(run, journal, by="conductor")
    assert gameday("verify", "r1")[0] == 0
    assert gameday("report", "r1")[0] == 0
    code, said = gameday("verify", "r1")
    assert code == 0, said
    (run / "report.md").write_text("nothing happened")
    assert gameday("verify", "r1")[0] == 10
