"""What dead runs left is found in their journals, healed side by side, and written into those journals."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from faults.undo import ToxicUndo, Undo
from harness.clock import Clock
from harness.journal import reader
from harness.journal.record import FaultHealed, HealFailed, RunStarted, UndoWritten
from harness.journal.writer import Journal
from runbooks import leftovers
from runbooks.process import ProcessId


def toxic(fault_id: str, port: int) -> ToxicUndo:
    return ToxicUndo(
        fault_id=fault_id, api_url=f"http://127.0.0.1:{port}", proxy="p", listen="127.0.0.1:1", upstream="127.0.0.1:2",
        enabled=True, toxic="gd-t",
    )  # fmt: skip


def dead_run(folder: Path, *undos: Undo) -> Path:
    clock = Clock.start()
    with Journal(folder / "journal", "conductor", clock) as journal:
        journal.write(
            RunStarted(
                run=folder.name, version="0", started_at=clock.started_at.isoformat(), runbook="t", runbook_path="b",
                hypothesis="h", expect="held", target="t", target_path="t", environment="practice", base_url="http://x",
            )
        )  # fmt: skip
        for undo in undos:
            journal.write(UndoWritten(fault_id=undo.fault_id, undo=undo.model_dump(mode="json")))
    ProcessId(os.getpid(), 1).write(folder / "conductor.pid")  # the number is in use, but by another process
    return folder


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_dead_runs_are_searched_and_living_ones_left_alone_and_latest_is_not_counted_twice(tmp_path, closed_port):
    dead = dead_run(tmp_path / "run-1", toxic("f1", closed_port))
    living = dead_run(tmp_path / "run-2", toxic("f1", closed_port))
    ProcessId.own().write(living / "conductor.pid")
    (tmp_path / "latest").symlink_to("run-1")
    assert [found.run_folder for found in leftovers.find(tmp_path)] == [dead]
    assert list(leftovers.find(tmp_path / "nowhere")) == []


def test_a_healed_leftover_is_written_into_its_run_and_not_found_again(tmp_path, closed_port):
    run = dead_run(tmp_path / "run-1", toxic("f1", closed_port), toxic("f2", closed_port))
    healings = leftovers.heal_all(tuple(leftovers.find(tmp_path)))
    assert [healing.error for healing in healings] == ["", ""]
    assert "nothing listens" in healings[0].how, "the toxic ended with its server, and it says so"
    assert {r.fault_id for r in reader.read(run).of(FaultHealed) if r.by == "heal"} == {"f1", "f2"}
    assert list(leftovers.find(tmp_path)) == []


def test_a_leftover_that_can_not_be_healed_says_what_to_type_and_skips_no_other(tmp_path, closed_port):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        stuck = toxic("f1", silent.getsockname()[1])
        run = dead_run(tmp_path / "run-1", stuck, toxic("f2", closed_port))
        healings = leftovers.heal_all(tuple(leftovers.find(tmp_path)))
    assert "curl" in healings[0].error
    assert healings[1].error == ""
    failed = reader.read(run).first(HealFailed)
    assert failed is not None
    assert failed.command.startswith("curl")
