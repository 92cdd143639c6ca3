"""An injection that is not permitted: nothing is written, nothing is injected, nothing is left open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.injection import Injection
from faults.observation import Observation
from faults.undo import ToxicUndo, Undo
from faults.undo_log import pending
from harness.clock import Clock, Deadline
from harness.errors import Refused
from harness.journal import reader
from harness.journal.record import InjectionFailed, Record, UndoWritten
from harness.journal.writer import Journal

NOTHING = Observation(0.0, 1.0)


class _NoParams(BaseModel):
    """No parameters."""


class _Fault:
    """Notes what is done to it."""

    plan = FaultPlan("f1", "slow", "latency", "pg", _NoParams(), 0.0, 0.2)

    def __init__(self) -> None:
        self.steps: list[str] = []

    def prepare(self) -> Undo:
        self.steps.append("prepare")
        return ToxicUndo(fault_id="f1", api_url="http://127.0.0.1:1", proxy="pg", listen="a:1", upstream="b:1",
                         enabled=True, toxic="t")  # fmt: skip

    def inject(self) -> None:
        self.steps.append("inject")

    def prove_wire(self) -> Effect:
        return Effect("slower", Measurement("measured"), True)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return Effect("slower", Measurement("measured"), True)

    def present(self) -> bool:
        return True

    def heal(self, deadline: Deadline) -> Healed:
        self.steps.append("heal")
        return Healed("delete")

    def measure_healed(self, deadline: Deadline) -> Effect:
        return Effect("back", Measurement("measured"), True)

    def close(self) -> None:
        self.steps.append("close")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as opened:
        yield opened


def play(journal: Journal, permit) -> tuple[_Fault, list[Record]]:
    fault, records = _Fault(), []
    injection = Injection(fault, journal=journal, emit=records.append, observe=lambda _a, _b: NOTHING,
                          baseline=lambda: NOTHING, clock=Clock.start(), permit=permit)  # fmt: skip
    injection.play(threading.Event())
    return fault, records


def test_without_a_permit_nothing_is_written_and_nothing_injected(journal: Journal, tmp_path: Path) -> None:
    def refuse(plan: FaultPlan) -> None:
        raise Refused(f"{plan.name} may not be injected", mend="--outside-hours")

    fault, records = play(journal, refuse)

    assert fault.steps == ["prepare", "close"]
    assert [r.reason for r in records if isinstance(r, InjectionFailed)] == [
        "slow may not be injected (--outside-hours)"
    ]
    journal.flush()
    assert reader.read(tmp_path).of(UndoWritten) == ()
    assert pending(tmp_path) == ()


def test_the_permit_is_asked_once_and_right_before_the_undo_record(journal: Journal, tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def permit(plan: FaultPlan) -> None:
        journal.flush()
        seen.append((plan.id, len(reader.read(tmp_path).of(UndoWritten))))

    fault, _ = play(journal, permit)

    assert seen == [("f1", 0)]
    assert fault.steps[:2] == ["prepare", "inject"]
