"""One fault played from its preparation to its healing, with a fault that can fail and hang at every point."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from faults.extension_undo import ExtensionUndo
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.injection import Injection
from faults.observation import Observation
from faults.undo import ToxicUndo, Undo
from faults.undo_log import pending
from harness.clock import Clock, Deadline, boot_s
from harness.errors import JournalFailed, NotHealed, ReachFailed, ReachTimeout
from harness.journal import reader
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    HealFailed,
    InjectionFailed,
    Proof,
    Record,
    UndoWritten,
)
from harness.journal.writer import Journal

NOTHING = Observation(0.0, 1.0)
TRUE, FALSE, UNKNOWN = (Effect("slower", Measurement("measured"), e) for e in (True, False, None))


class _Params(BaseModel):
    latency: float = 0.05


@dataclass
class ScriptedFault:
    """A fault whose steps do what the test says; `on` is what the outside would have."""

    for_s: float = 0.5
    wire: Callable[[], Effect] = lambda: TRUE
    platform: Callable[[], Effect] = lambda: TRUE
    preparing: Callable[[], None] = lambda: None
    injecting: Callable[[], object] = lambda: None
    healing: Callable[[], None] = lambda: None
    measuring: Callable[[], Effect] = lambda: TRUE
    on: bool = False
    steps: list[str] = field(default_factory=list)
    closed: bool = False

    @property
    def plan(self) -> FaultPlan:
        return FaultPlan("f1", "slow", "latency", "pg", _Params(), 0.0, self.for_s)

    def prepare(self) -> Undo:
        self.steps.append("prepare")
        self.preparing()
        return ToxicUndo(
            fault_id="f1",
            api_url="http://127.0.0.1:1",
            proxy="pg",
            listen="a:1",
            upstream="b:1",
            enabled=True,
            toxic="t",
        )

    def inject(self) -> None:
        self.steps.append("inject")
        self.injecting()
        self.on = True

    def prove_wire(self) -> Effect:
        return self.wire()

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return self.platform()

    def present(self) -> bool:
        return self.on

    def heal(self, deadline: Deadline) -> Healed:
        self.steps.append("heal")
        self.healing()
        self.on = False
        return Healed("delete", "a note")

    def measure_healed(self, deadline: Deadline) -> Effect:
        return self.measuring()

    def close(self) -> None:
        self.closed = True


@dataclass
class Play:
    fault: ScriptedFault
    injection: Injection
    records: list[Record]
    folder: Path
    halt: threading.Event = field(default_factory=threading.Event)

    def play(self) -> None:
        self.injection.play(self.halt)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.play)
        thread.start()
        return thread

    def kinds(self) -> list[str]:
        return [getattr(r, "kind", "") for r in self.records]

    def proofs(self) -> dict[str, list[bool | None]]:
        sides: dict[str, list[bool | None]] = {}
        for proof in self.records:
            if isinstance(proof, Proof):
                sides.setdefault(proof.side, []).append(proof.effective)
        return sides


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as journal:
        yield journal


@pytest.fixture
def playing(journal: Journal, tmp_path: Path) -> Callable[..., Play]:
    def make(**script: Any) -> Play:
        fault, records = ScriptedFault(**script), []
        injection = Injection(
            fault,
            journal=journal,
            emit=records.append,
            observe=lambda *_: NOTHING,
            baseline=lambda: NOTHING,
            clock=journal.clock,
        )
        return Play(fault, injection, records, tmp_path)

    return make


def raising(error: BaseException) -> Callable[[], Any]:
    def raise_it() -> Any:
        raise error

    return raise_it


def wait_until(happened: Callable[[], bool], within_s: float = 3.0) -> None:
    deadline, pause = Deadline.after(within_s), threading.Event()
    while not happened():
        assert not deadline.passed
        pause.wait(0.005)


def test_the_whole_of_it_in_order(playing: Callable[..., Play]) -> None:
    play = playing()
    play.play()
    assert play.fault.steps == ["prepare", "inject", "heal"]
    assert play.kinds() == ["fault-injected", "proof", "proof", "fault-healed"]
    assert play.proofs() == {"wire": [True], "platform": [True]}
    injected, healed = play.records[0], play.records[-1]
    assert isinstance(injected, FaultInjected)
    assert isinstance(healed, FaultHealed)
    assert injected.until - injected.t == pytest.approx(0.5)
    assert (healed.rung, healed.note, healed.verified) == ("delete", "a note", True)
    assert play.injection.state == "healed"
    assert play.fault.closed


def test_the_undo_record_is_on_disk_when_the_fault_goes_in(playing: Callable[..., Play]) -> None:
    on_disk: list[int] = []
    play = playing()
    play.fault.injecting = lambda: on_disk.append(len(reader.read(play.folder).of(UndoWritten)))
    play.play()
    assert on_disk == [1]


def test_without_its_undo_record_nothing_is_injected(playing: Callable[..., Play]) -> None:
    play = playing()
    play.injection._journal = type("Full", (), {"commit": lambda *_: raising(JournalFailed("disk full"))()})()  # type: ignore[assignment]
    play.play()
    assert play.fault.steps == ["prepare"]
    assert play.kinds() == ["injection-failed"]


@pytest.mark.parametrize("error", [ReachFailed("no proxy"), RuntimeError("a bug")])
def test_what_can_not_be_prepared_is_not_injected(playing: Callable[..., Play], error: Exception) -> None:
    play = playing(preparing=raising(error))
    play.play()
    assert play.fault.steps == ["prepare"]
    (failed,) = play.records
    assert isinstance(failed, InjectionFailed)
    assert str(error) in failed.reason
    assert play.fault.closed


@pytest.mark.parametrize("error", [ReachTimeout("unknown"), RuntimeError("a bug")])
def test_an_injection_that_failed_is_taken_back(playing: Callable[..., Play], error: Exception) -> None:
    play = playing(injecting=raising(error))
    play.play()
    assert play.fault.steps == ["prepare", "inject", "heal"]
    assert play.kinds() == ["injection-failed"]
    assert play.injection.state == "failed"


def test_an_injection_that_failed_and_stays_is_a_heal_that_failed(playing: Callable[..., Play]) -> None:
    play = playing(injecting=raising(ReachTimeout("hangs")), healing=raising(NotHealed("wedged", mend="curl it")))
    play.play()
    (failed,) = play.records
    assert isinstance(failed, HealFailed)
    assert failed.command == "curl it"
    assert "hangs" in failed.reason


def test_a_heal_that_crashes_says_what_to_type(playing: Callable[..., Play]) -> None:
    play = playing(healing=raising(RuntimeError("a bug")))
    play.play()
    (failed,) = [r for r in play.records if isinstance(r, HealFailed)]
    assert failed.command == "curl -X DELETE http://127.0.0.1:1/proxies/pg/toxics/t"
    assert play.injection.state == "not-healed"
    assert play.injection.on


def test_an_effect_that_never_shows_is_false_at_the_end(playing: Callable[..., Play]) -> None:
    play = playing(wire=lambda: FALSE, platform=lambda: UNKNOWN)
    play.play()
    assert play.proofs() == {"platform": [False], "wire": [False]}


def test_a_halt_leaves_open_proofs_unknown_and_heals_at_once(playing: Callable[..., Play]) -> None:
    play = playing(for_s=30, wire=lambda: FALSE, platform=lambda: UNKNOWN)
    thread = play.start()
    wait_until(lambda: play.fault.on)
    begun = boot_s()
    play.halt.set()
    wait_until(lambda: not play.fault.on, 1)
    assert boot_s() - begun < 0.5
    thread.join(5)
    assert play.proofs() == {"platform": [None], "wire": [None]}


def test_probes_that_crash_prove_nothing(playing: Callable[..., Play]) -> None:
    play = playing(wire=raising(RuntimeError("a bug")), platform=raising(RuntimeError("another")))
    play.play()
    assert play.proofs() == {"platform": [False], "wire": [False]}
    assert not play.fault.on


def test_a_heal_from_outside_does_not_wait_for_a_probe(playing: Callable[..., Play]) -> None:
    hang = threading.Event()
    play = playing(for_s=30, wire=lambda: TRUE if hang.wait(10) else FALSE)
    thread = play.start()
    wait_until(lambda: play.fault.on)
    threading.Event().wait(0.4)
    begun = boot_s()
    assert play.injection.heal(Deadline.after(5))
    assert boot_s() - begun < 0.3
    assert not play.fault.on
    hang.set()
    thread.join(5)
    assert play.kinds().count("fault-healed") == 1
    assert play.proofs()["wire"] == [None]


def test_many_heals_at_once_are_one(playing: Callable[..., Play]) -> None:
    play = playing(for_s=30)
    thread = play.start()
    wait_until(lambda: play.injection.state == "on")
    healers = [threading.Thread(target=play.injection.heal, args=(Deadline.after(5),)) for _ in range(8)]
    for healer in healers:
        healer.start()
    for healer in [*healers, thread]:
        healer.join(5)
    assert play.fault.steps.count("heal") == 1
    assert play.kinds().count("fault-healed") == 1


def test_a_heal_that_comes_first_keeps_the_fault_out(playing: Callable[..., Play]) -> None:
    play = playing()
    assert play.injection.heal(Deadline.after(1))
    play.play()
    assert play.fault.steps == []
    assert play.records == []


def test_a_heal_during_the_preparation_keeps_the_fault_out(playing: Callable[..., Play]) -> None:
    play = playing()
    play.fault.preparing = lambda: play.injection.heal(Deadline.after(1)) and None
    play.play()
    assert play.fault.steps == ["prepare"]
    assert pending(play.folder) != ()  # the emitted end is not in this journal
    assert play.kinds() == ["injection-failed"]


def test_a_heal_that_races_an_injection_in_flight_ends_healed(playing: Callable[..., Play]) -> None:
    go = threading.Event()
    play = playing(for_s=30, injecting=lambda: bool(go.wait(10)))
    thread = play.start()
    wait_until(lambda: play.injection.state == "injecting")
    assert play.injection.heal(Deadline.after(3))  # the call in flight has not landed yet
    assert play.kinds() == []
    go.set()
    thread.join(5)
    assert not play.fault.on
    assert play.fault.steps == ["prepare", "inject", "heal", "heal"]
    assert [k for k in play.kinds() if k != "proof"] == ["fault-injected", "fault-healed"]


def test_a_failed_heal_can_be_tried_again(playing: Callable[..., Play]) -> None:
    play = playing(for_s=30)

    def fail_once() -> None:
        play.fault.healing = lambda: None
        raise NotHealed("wedged", mend="curl it")

    play.fault.healing = fail_once
    thread = play.start()
    wait_until(lambda: play.injection.state == "on")
    assert play.injection.heal(Deadline.after(2)) is False
    thread.join(5)
    assert play.injection.state == "healed"
    assert [k for k in play.kinds() if k.startswith(("heal", "fault-h"))] == ["heal-failed", "fault-healed"]


def test_a_wire_that_can_not_be_measured_after_healing_is_said(playing: Callable[..., Play]) -> None:
    play = playing(measuring=raising(ReachFailed("no probe")))
    play.play()
    (healed,) = [r for r in play.records if isinstance(r, FaultHealed)]
    assert healed.verified is None
    assert "no probe" in healed.measured_after


def test_a_fault_that_vanishes_takes_its_proof_back(playing: Callable[..., Play]) -> None:
    play = playing(for_s=2.0)
    thread = play.start()
    wait_until(lambda: "wire" in play.proofs())
    play.fault.on = False
    thread.join(5)
    assert play.proofs()["wire"] == [True, False]
    taken_back = [record for record in play.records if isinstance(record, Proof) and record.side == "wire"][-1]
    assert taken_back.measured.endswith("s: somebody took it off, or its server was restarted")


def test_a_record_that_redaction_would_change_is_not_enough_to_heal_from(playing: Callable[..., Play]) -> None:
    play = playing()
    secret = ExtensionUndo(fault_id="f1", payload={"password": "correct-horse"}, command="c")
    play.fault.prepare = lambda: secret  # type: ignore[method-assign]

    play.play()

    [failed] = play.records
    assert isinstance(failed, InjectionFailed)
    assert "its undo record holds what looks like a secret" in failed.reason
    assert "inject" not in play.fault.steps
    assert pending(play.folder) == ()
