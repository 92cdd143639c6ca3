"""The conformance kit: what every fault must keep, as tests that the author of a plugin runs with pytest.

    from faults.conformance import FaultCase, FaultConformance

    class TestMyFault(FaultConformance):
        @pytest.fixture
        def case(self, tmp_path): return FaultCase(plan=..., place=..., is_on=..., sabotage=...)

The plugin must be installed (`pip install -e .`): the kit builds the fault through the catalog, and lets another
process heal it. See docs/own-faults.md.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from faults import healing
from faults.catalog import build, kind_named
from faults.extension_fault import INJECT_S, PREPARE_S, PRESENT_S, PROVE_S
from faults.fault import Fault, FaultPlan
from faults.healer import start_healer
from faults.injection import Injection
from faults.observation import Observation
from faults.quantity import as_said, written_as
from faults.undo import Undo
from faults.undo_log import pending
from harness.clock import Clock, Deadline, boot_s
from harness.errors import GamedayError, NotHealed
from harness.journal.record import FaultHealed, HealFailed, InjectionFailed, Record, UndoWritten
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.redaction import Redactor

HEAL_S = 5.0
HEALER_S = 30.0
_RUN = "20260101-000000-kit-0000"
_SLACK_S = 2.0
_INSTANTS_S = (0.0, 0.01, 0.1, 0.4)
_ABSURD = "1000h"
_NOTHING = Observation(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One fault to try out. `place`: what the kind's factory takes (`faults.catalog.PLACES`).

    `is_on()` says whether the fault is on, past the fault's own code. `sabotage()` breaks what the fault needs, so that
    it can neither be prepared nor injected. `canaries`: secrets that the fault gets to know; none may be seen in what
    it leaves. `allow`: where doors may be opened. `proves`: whether its effect can be measured in this case.
    """

    plan: FaultPlan
    place: Any
    is_on: Callable[[], bool]
    sabotage: Callable[[], object]
    canaries: tuple[str, ...] = ()
    allow: tuple[str, ...] = ("127.0.0.0/8",)
    proves: bool = True

    def fault(self) -> Fault:
        """A new fault of the plan."""
        return build(self.plan, self.place, _RUN)


@dataclass(slots=True)
class _Played:
    """A fault that is played as a run plays it."""

    injection: Injection
    folder: Path
    records: list[Record] = field(default_factory=list)
    halt: threading.Event = field(default_factory=threading.Event)


class FaultConformance:
    """Derive a class whose name begins with Test, and give it a fixture `case`."""

    def test_its_kind_tells_people_what_it_is(self, case: FaultCase) -> None:
        kind = kind_named(case.plan.kind)
        assert kind is not None, f"no kind {case.plan.kind!r}: is the plugin installed? see `gameday faults`"
        silent = [word for word in ("summary", "needs", "proven", "healed") if not getattr(kind, word)]
        assert not silent, f"the kind does not say its {', '.join(silent)}"
        assert kind.expected(case.plan.params), "the kind does not say what is expected"
        assert kind.on == case.plan.on, f"the kind sits on a {kind.on}, the plan on a {case.plan.on}"

    def test_its_parameters_are_bounded_and_fit_the_journal(self, case: FaultCase) -> None:
        model = type(case.plan.params)
        written = _as_written(case.plan)
        _refuses(model, {**written, "no_such_key_here": 1}, "a misspelt key is not refused")
        for name, info in model.model_fields.items():
            if written_as(info) == "duration":
                _refuses(model, {**written, info.alias or name: _ABSURD}, f"{name}: {_ABSURD} is not refused")
        for name, value in case.plan.recorded_params.items():
            assert isinstance(value, float | int | str | bool), f"{name} is no single value in the journal"

    def test_preparing_changes_nothing_and_gives_a_record_that_is_enough(self, case: FaultCase) -> None:
        with _prepared(case) as (fault, undo):
            assert not case.is_on(), "prepare has put the fault on"
            assert not fault.present(), "present says that the fault is on before it was injected"
            written = undo.model_dump(mode="json")
            assert undo.fault_id == case.plan.id
            assert healing.read_undo(json.loads(json.dumps(written))) == undo, "the record can't be read back from JSON"
            text = json.dumps(written)
            assert not [c for c in case.canaries if c in text], "a secret stands in the undo record"
            kept = Redactor(case.canaries).value(written)
            assert kept == written, "redaction changes the undo record: name the secret, don't write it"
            assert healing.command_of(undo), "the record says nothing that a person could type"
            assert healing.what_is(undo), "the record does not say what is left"

    def test_healing_what_never_got_in_changes_nothing(self, case: FaultCase) -> None:
        with _prepared(case) as (fault, _):
            _heal(fault)
            assert not case.is_on()

    def test_what_is_injected_is_there_and_is_proven(self, case: FaultCase) -> None:
        with _prepared(case) as (fault, _):
            _timed(fault.inject, INJECT_S, "inject")
            assert case.is_on(), "inject has not put the fault on"
            assert _timed(fault.present, PRESENT_S, "present"), "present does not see the fault that is on"
            proof = _timed(fault.prove_wire, PROVE_S, "prove_wire")
            assert proof.expected, "the proof does not say what is expected"
            assert proof.measured.text, "the proof does not say what was measured"
            if case.proves:
                assert proof.effective is True, f"no effect is proven: {proof.measured.text}"
            quiet = fault.prove_platform(_NOTHING, _NOTHING)
            assert quiet.effective is not True, "a platform of which nothing was seen proves nothing"

    def test_healing_takes_it_off_and_twice_does_no_harm(self, case: FaultCase) -> None:
        with _prepared(case) as (fault, _):
            fault.inject()
            _heal(fault)
            assert not case.is_on(), "healing has left the fault on"
            assert not fault.present(), "present says that the fault is on after it was healed"
            _heal(fault)
            assert not case.is_on(), "healing twice has put the fault on again"

    def test_after_healing_all_is_measured_as_before(self, case: FaultCase) -> None:
        with _prepared(case) as (fault, _):
            fault.inject()
            _heal(fault)
            deadline = Deadline.after(HEAL_S)
            back = _timed(lambda: fault.measure_healed(deadline), HEAL_S, "measure_healed")
            if case.proves:
                assert back.effective is True, f"not back to what it was before: {back.measured.text}"

    def test_another_process_heals_it_by_its_record_alone(self, case: FaultCase, tmp_path: Path) -> None:
        with _prepared(case) as (fault, undo):
            folder, clock = tmp_path / "run", Clock.start()
            with Journal(folder / "journal", "conductor", clock, Redactor(case.canaries)) as journal:
                journal.commit(UndoWritten(fault_id=undo.fault_id, undo=undo.model_dump(mode="json")))
            fault.inject()
            assert pending(folder) == (undo,), "the record in the journal is not the one that was written"
            healer = start_healer(folder, clock, AllowList(case.allow))
            healer.take_over()
            code = healer.process.wait(HEALER_S)
            text = "".join(path.read_text() for path in (folder / "journal").iterdir())
            assert code == 0, f"the healer could not take it off: {text}"
            assert not case.is_on(), "the healer has left the fault on"
            assert not [c for c in case.canaries if c in text], "a secret stands in the journal"

    def test_a_halt_at_any_moment_leaves_nothing(self, case: FaultCase, tmp_path: Path) -> None:
        for number, instant_s in enumerate(_INSTANTS_S):
            with _playing(case, tmp_path / f"run-{number}") as played:
                player = threading.Thread(target=played.injection.play, args=(played.halt,), daemon=True)
                player.start()
                threading.Event().wait(instant_s)
                played.halt.set()
                played.injection.heal(Deadline.after(HEAL_S))
                player.join(PREPARE_S + INJECT_S + HEAL_S)
                assert not player.is_alive(), f"halted {instant_s:g} s after its start, it goes on"
            assert not case.is_on(), f"halted {instant_s:g} s after its start, it is still on"
            assert not pending(played.folder), f"halted {instant_s:g} s after its start, its record is still open"
            failed = [record.reason for record in played.records if isinstance(record, HealFailed)]
            assert not failed, f"halted {instant_s:g} s after its start: {failed}"

    def test_what_can_not_be_prepared_says_so(self, case: FaultCase) -> None:
        case.sabotage()
        fault = case.fault()
        try:
            _timed(lambda: _must_fail(fault.prepare), PREPARE_S, "prepare")
        finally:
            fault.close()

    def test_what_can_not_be_injected_says_so_and_can_be_healed(self, case: FaultCase) -> None:
        with _prepared(case, still_whole=False) as (fault, _):
            case.sabotage()
            _timed(lambda: _must_fail(fault.inject), INJECT_S, "inject")
            deadline = Deadline.after(HEAL_S)
            _timed(lambda: _healed_or_said(fault, deadline), HEAL_S, "heal")

    def test_healing_keeps_to_its_deadline(self, case: FaultCase) -> None:
        with _prepared(case) as (fault, _):
            fault.inject()
            _timed(lambda: _healed_or_said(fault, Deadline.after(0.0)), 0.0, "heal with no time left")


@contextmanager
def _prepared(case: FaultCase, *, still_whole: bool = True) -> Iterator[tuple[Fault, Undo]]:
    """A fault with its undo record; whatever the test finds, it is off in the end."""
    fault = case.fault()
    undo = _timed(fault.prepare, PREPARE_S, "prepare")
    try:
        yield fault, undo
    finally:
        try:
            if still_whole:
                fault.heal(Deadline.after(HEAL_S))
        finally:
            fault.close()


@contextmanager
def _playing(case: FaultCase, folder: Path) -> Iterator[_Played]:
    clock = Clock.start()
    with Journal(folder / "journal", "conductor", clock) as journal:

        def emit(record: Record) -> None:
            played.records.append(record)
            if isinstance(record, FaultHealed | InjectionFailed | HealFailed):
                journal.write(record)

        injection = Injection(
            case.fault(),
            journal=journal,
            emit=emit,
            observe=lambda *_: _NOTHING,
            baseline=lambda: _NOTHING,
            clock=clock,
        )
        played = _Played(injection, folder)
        yield played


def _timed(call: Callable[[], Any], limit_s: float, step: str) -> Any:
    begun = boot_s()
    try:
        return call()
    finally:
        took_s = boot_s() - begun
        assert took_s <= limit_s + _SLACK_S, f"{step} took {took_s:.1f} s, {limit_s:g} s is its limit"


def _heal(fault: Fault) -> None:
    deadline = Deadline.after(HEAL_S)
    healed = _timed(lambda: fault.heal(deadline), HEAL_S, "heal")
    assert healed.rung, "healing does not say how it was done"


def _healed_or_said(fault: Fault, deadline: Deadline) -> None:
    """It may fail here, but not without what a person types."""
    said = ""
    try:
        said = fault.heal(deadline).rung
    except NotHealed as error:
        said = error.mend
    assert said, "neither how it was healed nor what a person types is said"


def _must_fail(step: Callable[[], object]) -> None:
    said = None
    try:
        step()
    except GamedayError as error:
        said = error.what
    assert said is not None, "it went well, although the case is sabotaged"
    assert said, "the error says nothing"


def _refuses(model: Any, values: dict[str, Any], complaint: str) -> None:
    try:
        model.model_validate(values)
    except ValidationError:
        return
    raise AssertionError(complaint)


def _as_written(plan: FaultPlan) -> dict[str, Any]:
    """The parameters as a runbook would have them, durations with their units."""
    fields = type(plan.params).model_fields
    chosen = plan.params.model_dump(exclude_none=True, exclude_unset=True)
    return {fields[name].alias or name: _written(value, fields[name]) for name, value in chosen.items()}


def _written(value: Any, info: FieldInfo) -> Any:
    return as_said(value, info).replace(" ", "") if written_as(info) in ("duration", "rate") else value
