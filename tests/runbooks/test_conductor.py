"""The conductor plays the phases in order, and whatever ends a run heals the faults and stops the load."""

from __future__ import annotations

import pytest

from harness.errors import GamedayError, LoadFailed
from harness.journal.record import (
    Breach,
    HealFailed,
    LevelJudged,
    LoadEnded,
    LoadStopped,
    Note,
    PhaseStarted,
    Recovered,
    StopDecided,
)
from runbooks import conductor as conductor_module
from runbooks.inbox import StopAsked


def phases_of(fakes):
    return [r.name for r in fakes.stage.recorder.view().of(PhaseStarted)]


def test_a_quiet_run_plays_all_phases_and_judges_each(theatre):
    fakes = theatre.build([theatre.fault("f1", 0.0, 0.2)])
    fakes.conductor.play()
    assert phases_of(fakes) == ["warm-up", "baseline", "faults", "recovery"]
    judged = {(r.phase, r.met) for r in fakes.stage.recorder.view().of(LevelJudged)}
    assert judged == {("baseline", True), ("faults", True), ("recovery", True)}
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.stage.recorder.view().first(Recovered) is not None
    assert fakes.load.stopped_at is not None
    assert any("Under fault f1 the service levels held" in n.text for n in fakes.stage.recorder.view().of(Note))


def test_overlapping_faults_are_injected_at_their_times_on_the_timeline(theatre):
    fakes = theatre.build([theatre.fault("late", 0.2, 0.1), theatre.fault("early", 0.0, 0.4)])
    fakes.conductor.play()
    assert fakes.log == ["inject early", "inject late", "heal late", "heal early"]


def test_a_breach_heals_the_fault_and_stops_the_load_without_grace(theatre):
    fakes = theatre.build([theatre.fault("f1", 0.0, 30.0), theatre.fault("f2", 20.0, 5.0)], break_on_inject="f1")
    fakes.conductor.play()
    view = fakes.stage.recorder.view()
    breach, stop, stopped = view.first(Breach), view.first(StopDecided), view.first(LoadStopped)
    assert breach is not None
    assert breach.condition == "error_rate"
    assert stop is not None
    assert stop.source == "condition"
    assert stopped is not None
    assert stopped.at - breach.breach_at < 1.0
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.load.graces == [conductor_module.HALT_GRACE_S]
    assert "recovery" not in phases_of(fakes)


def test_a_baseline_that_misses_its_levels_injects_nothing(theatre):
    fakes = theatre.build([theatre.fault("f1", 0.0, 0.2)], p95_ms=5.0)
    fakes.conductor.play()
    assert fakes.log == []
    assert phases_of(fakes) == ["warm-up", "baseline"]


def test_the_first_reason_to_stop_is_kept_and_the_second_request_only_hurries(theatre):
    fakes = theatre.build([theatre.fault("f1", 0.0, 30.0)])
    fakes.once_injected(lambda: [fakes.inbox.put(StopAsked("person", "Ctrl-C", hurries=True)) for _ in range(2)])
    fakes.conductor.play()
    stops = fakes.stage.recorder.view().of(StopDecided)
    assert [(s.source, s.reason) for s in stops] == [("person", "Ctrl-C")]
    assert fakes.conductor.hurry.is_set()
    assert "asked to hurry" in fakes.stage.recorder.view().last(Note).text
    assert fakes.log == ["inject f1", "heal f1"]


@pytest.mark.parametrize(
    "again",
    [
        StopAsked("signal", "SIGHUP came (the terminal was closed)"),
        StopAsked("error", "our toxiproxy-server died"),
        StopAsked("guard-rail", "the lever is off"),
    ],
    ids=lambda asked: asked.source,
)
def test_a_second_stop_that_no_person_asks_for_costs_no_evidence(theatre, again):
    fakes = theatre.build([theatre.fault("f1", 0.0, 30.0)])
    fakes.once_injected(lambda: [fakes.inbox.put(asked) for asked in (StopAsked("person", "Ctrl-C"), again)])
    fakes.conductor.play()
    assert not fakes.conductor.hurry.is_set()
    notes = [note.text for note in fakes.stage.recorder.view().of(Note)]
    assert f"a further reason to stop: {again.reason}" in notes


HEAL_FAILED = HealFailed(fault_id="f9", by="conductor", reason="hangs", command="gameday heal")


@pytest.mark.parametrize("message", [LoadEnded(exit_code=1, detail="boom"), HEAL_FAILED], ids=["load ended", "no heal"])
def test_a_run_whose_load_or_healing_fails_is_halted(theatre, message):
    fakes = theatre.build([theatre.fault("f1", 0.0, 30.0)])
    fakes.once_injected(lambda: fakes.inbox.put(message))
    fakes.conductor.play()
    stop = fakes.stage.recorder.view().first(StopDecided)
    assert stop is not None
    assert stop.source == "error"
    assert fakes.log == ["inject f1", "heal f1"]


def test_a_guard_without_windows_is_blind_and_halts_the_run(theatre, monkeypatch):
    monkeypatch.setattr(conductor_module, "BLIND_S", 0.3)
    fakes = theatre.build([theatre.fault("f1", 0.0, 30.0)])
    fakes.once_injected(fakes.load.silent.set)
    fakes.conductor.play()
    stop = fakes.stage.recorder.view().first(StopDecided)
    assert stop is not None
    assert "blind" in stop.reason
    assert fakes.log == ["inject f1", "heal f1"]


def test_an_error_inside_the_exercise_still_heals_and_stops(theatre, monkeypatch):
    fakes = theatre.build([theatre.fault("f1", 0.0, 0.2)])

    def explode(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(fakes.conductor, "_until_healed", explode)
    with pytest.raises(RuntimeError):
        fakes.conductor.play()
    assert fakes.log == ["inject f1", "heal f1"]
    assert fakes.load.stopped_at is not None


def test_a_run_whose_healer_died_is_halted_because_nobody_would_outlive_it(theatre):
    fakes = theatre.build([theatre.fault("f1", 0.0, 30.0)])
    fakes.once_injected(fakes.healer_died.set)
    fakes.conductor.play()
    stop = fakes.stage.recorder.view().first(StopDecided)
    assert stop is not None
    assert "healer" in stop.reason
    assert fakes.log == ["inject f1", "heal f1"]


def test_what_is_told_and_summed_up_is_as_clean_as_what_is_written(theatre):
    fakes = theatre.build()
    fakes.stage.recorder.record(Note(text="could not reach postgres://u:hunter2secret@db/x"))
    assert "hunter2secret" not in str(fakes.stage.recorder.view().records)


def test_a_load_generator_that_can_not_keep_up_is_said(theatre):
    fakes = theatre.build()
    fakes.load.lag_ms = 180.0
    fakes.conductor.play()
    assert any("lagged by 180 ms" in note.text for note in fakes.stage.recorder.view().of(Note))


def test_a_load_that_can_not_be_stopped_is_said_and_the_faults_are_healed_all_the_same(theatre, monkeypatch):
    monkeypatch.setattr(conductor_module, "HALT_BOUND_S", 0.5)
    fakes = theatre.build([theatre.fault("f1", 0.0, 0.2)])

    def immortal(_grace_s: float) -> None:
        raise LoadFailed("a process survives SIGKILL")

    monkeypatch.setattr(fakes.load, "stop", immortal)
    with pytest.raises(GamedayError, match="did not end"):
        fakes.conductor.play()
    assert fakes.log == ["inject f1", "heal f1"]
    assert any("survives SIGKILL" in note.text for note in fakes.stage.recorder.view().of(Note))
