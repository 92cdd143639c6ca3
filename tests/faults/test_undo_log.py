"""What a journal says is still open, whatever a kill left of it."""

from __future__ import annotations

import os
from pathlib import Path

from faults.process import start_ticks
from faults.undo import EnabledUndo, ProcessUndo, ToxicUndo, Undo
from faults.undo_log import left_injected, pending
from harness.clock import Clock
from harness.journal.record import (
    FaultHealed,
    HealFailed,
    InjectionFailed,
    LoadStopped,
    Record,
    UndoWritten,
)
from harness.journal.writer import Journal

TOXIC = ToxicUndo(fault_id="f1", api_url="http://a:1", proxy="p", listen="a:2", upstream="a:3", enabled=True, toxic="t")
DOWN = EnabledUndo(fault_id="f2", api_url="http://a:1", proxy="p", listen="a:2", upstream="a:3", enabled=True)
LOAD = ProcessUndo(fault_id="load", pgid=1, start_ticks=2, what="locust")


def written(undo: Undo, t: float) -> UndoWritten:
    return UndoWritten(t=t, fault_id=undo.fault_id, undo=undo.model_dump(mode="json"))


def write(run: Path, *records: Record, process: str = "conductor") -> None:
    with Journal(run / "journal", process, Clock.start()) as journal:
        for record in records:
            journal.write(record)


def test_undo_records_without_a_later_end_are_pending(tmp_path: Path) -> None:
    write(tmp_path, written(TOXIC, 1), written(DOWN, 2), FaultHealed(t=3, fault_id="f1", by="conductor"))
    write(tmp_path, HealFailed(t=4, fault_id="f2", by="healer", reason="r", command="c"), process="healer")
    assert pending(tmp_path) == (DOWN,)


def test_a_heal_in_another_segment_counts(tmp_path: Path) -> None:
    write(tmp_path, written(TOXIC, 1))
    write(tmp_path, FaultHealed(t=2, fault_id="f1", by="healer"), process="healer")
    assert pending(tmp_path) == ()


def test_an_injection_taken_back_is_not_pending(tmp_path: Path) -> None:
    write(tmp_path, written(TOXIC, 1), InjectionFailed(t=2, fault_id="f1", reason="r"))
    assert pending(tmp_path) == ()


def test_a_fault_injected_again_after_its_heal_is_pending(tmp_path: Path) -> None:
    write(tmp_path, written(TOXIC, 1), FaultHealed(t=2, fault_id="f1", by="conductor"), written(TOXIC, 3))
    assert pending(tmp_path) == (TOXIC,)


def test_a_stopped_load_closes_its_process_group(tmp_path: Path) -> None:
    write(tmp_path, written(LOAD, 1))
    assert pending(tmp_path) == (LOAD,)
    write(tmp_path, LoadStopped(t=2, at=2, how="killed"))
    assert pending(tmp_path) == ()


def test_torn_and_strange_lines_do_not_hide_the_rest(tmp_path: Path) -> None:
    write(tmp_path, written(TOXIC, 1), UndoWritten(t=2, fault_id="f9", undo={"door": "unheard-of"}))
    with (tmp_path / "journal" / "conductor.jsonl").open("a") as segment:
        segment.write('{"kind":"fault-healed","fault_id":"f1","t":3')
    assert pending(tmp_path) == (TOXIC,)


def test_no_journal_leaves_nothing(tmp_path: Path) -> None:
    assert pending(tmp_path) == ()


def test_a_process_that_has_ended_is_pending_in_the_journal_but_not_left_injected(tmp_path: Path) -> None:
    own = ProcessUndo(fault_id="own", pgid=os.getpid(), start_ticks=start_ticks(os.getpid()) or 0, what="locust")
    write(tmp_path, written(TOXIC, 1), written(LOAD, 2), written(own, 3))
    assert pending(tmp_path) == (TOXIC, LOAD, own)
    assert left_injected(tmp_path) == (TOXIC, own)
