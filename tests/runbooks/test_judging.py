"""Invariants, crashes and alerts of a run: when they are asked, and what is said of them after a halt."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from harness.analysis.alert_level import AlertLevel
from harness.analysis.invariant import Answer
from harness.analysis.service_level import CrashLevel, QueryLevel, RequestLevel
from harness.journal.record import (
    AlertSeen,
    Breach,
    CrashSeen,
    FaultInjected,
    LevelJudged,
    Note,
    Readings,
    StopDecided,
)
from runbooks.conductor import Conductor
from runbooks.judging import Judging, Witnesses

CHARGED = QueryLevel("no double charge", "main", "select 0", equals=0)
MONEY = QueryLevel("money", "main", "select sum(amount) from payments", unchanged=True)
CRASH = CrashSeen(source="container.api", what="exited", text="container.api exited", exit_code=1)
API = RequestLevel("api", "*", p95_ms=2000.0)


class Ledger:
    """Answers invariants, and remembers what of the run had happened when it was asked."""

    def __init__(self, **answers: object) -> None:
        self.answers = {name.replace("_", " "): Answer(value) for name, value in answers.items()}
        self.load_stopped: list[bool] = []
        self.fakes = None

    def ask(self):
        self.load_stopped.append(self.fakes is not None and self.fakes.load.stopped_at is not None)
        return dict(self.answers)


def conductor(theatre, levels, ledger, faults=(), *, watchers=(), **options):
    fakes = theatre.build(faults, **options)
    runbook = replace(fakes.stage.runbook, service_levels=tuple(levels))
    stage = replace(fakes.stage, runbook=runbook, ask_invariants=ledger.ask, crash_watchers=watchers)
    ledger.fakes = fakes
    return Conductor(stage), fakes


def levels_of(fakes, name):
    return [(r.phase, r.met) for r in fakes.stage.recorder.view().of(LevelJudged) if r.name == name]


def test_invariants_are_asked_before_the_faults_after_them_and_in_recovery(theatre):
    ledger = Ledger(no_double_charge=0, money=70)
    played, fakes = conductor(theatre, [API, CHARGED, MONEY], ledger, [theatre.fault("f1", 0.0, 0.2)])
    played.play()
    for name in ("no double charge", "money"):
        assert levels_of(fakes, name) == [("baseline", True), ("faults", True), ("recovery", True)]
    assert ledger.load_stopped == [False, False, False]


def test_after_a_halt_they_are_asked_once_the_load_is_gone_and_what_is_broken_is_found(theatre):
    ledger = Ledger(no_double_charge=0, money=70)
    faults = [theatre.fault("f1", 0.0, 30.0)]
    played, fakes = conductor(theatre, [API, CHARGED, MONEY], ledger, faults, break_on_inject="f1")
    ask = ledger.ask

    def charge_twice():
        answers = ask()
        return answers | {"no double charge": Answer(2)} if ledger.load_stopped[-1] else answers

    played.judging._witnesses = Witnesses(charge_twice)
    played.play()
    assert played.stop is not None
    assert levels_of(fakes, "no double charge") == [("baseline", True), ("recovery", False)]
    assert levels_of(fakes, "money") == [("baseline", True), ("recovery", True)]
    assert ledger.load_stopped == [False, True]
    [broken] = [r for r in fakes.stage.recorder.view().of(LevelJudged) if r.met is False and r.about == "invariant"]
    assert "after the halt" in broken.text
    assert fakes.log == ["inject f1", "heal f1"]


def test_invariants_that_hang_keep_nobody_from_halting_and_are_unknown(theatre):
    over = threading.Event()
    played, fakes = conductor(theatre, [API, CHARGED], Ledger(), [theatre.fault("f1", 0.0, 30.0)])

    def hang():
        over.wait(20)
        return {}

    played.judging._witnesses = Witnesses(hang)
    # in the middle of the asking, at the end of the baseline
    threading.Timer(0.8, fakes.load.failing.set).start()
    threading.Timer(3.0, played.hurry.set).start()
    played.play()
    over.set()
    assert played.stop is not None
    assert played.stop.source == "condition"
    assert fakes.load.stopped_at is not None
    assert fakes.load.stopped_at < 6.0
    assert {met for _, met in levels_of(fakes, "no double charge")} == {None}


def judging(fakes, runbook, watchers=()):
    stage = fakes.stage
    return Judging(runbook, stage.clock, stage.recorder, stage.observations, Witnesses(watchers=watchers),
                   lambda _: None, threading.Event())  # fmt: skip


def test_a_crash_between_two_phases_is_counted_in_the_later_one_and_once_only(theatre):
    fakes = theatre.build()
    stage = fakes.stage
    judge = judging(fakes, replace(stage.runbook, service_levels=(CrashLevel("no crash"),)), ("container.api",))
    for t in range(30):
        stage.observations.add(Readings(t=float(t), source="container.api", values={}))
    judge.phase("baseline", 0.0, 10.0)
    stage.recorder.record(CRASH.model_copy(update={"t": 10.5}))
    judge.phase("faults", 11.0, 20.0)
    judge.phase("recovery", 20.0, 29.0)
    assert levels_of(fakes, "no crash") == [("baseline", True), ("faults", False), ("recovery", True)]


def test_a_crash_that_is_seen_only_after_the_halt_is_said_all_the_same(theatre):
    fakes = theatre.build()
    judge = judging(fakes, replace(fakes.stage.runbook, service_levels=(CrashLevel("no crash"),)))
    judge.the_end()
    assert levels_of(fakes, "no crash") == []
    fakes.stage.recorder.record(CRASH.model_copy(update={"t": 30.0}))
    judge.the_end()
    assert levels_of(fakes, "no crash") == [("recovery", False)]


ALERT = AlertLevel("outage", "ApiErrors", within_s=1.5, after="breach")


@pytest.fixture
def halted(theatre):
    """A run that was breached a moment ago, and its judging."""
    fakes = theatre.build()
    stage, now_s = fakes.stage, fakes.stage.clock.now_s()
    stage.recorder.record(FaultInjected(t=now_s - 2.0, fault_id="f1", name="no connections", fault_kind="latency"))
    stage.recorder.record(Breach(condition="error_rate", source="all", text="many", breach_at=now_s))
    stage.recorder.record(StopDecided(source="condition", reason="many", decided_at=now_s))
    for i in range(20):
        stage.recorder.record(Readings(t=now_s - 2.0 + i / 4, source="alerting", values={"firing": 0.0}))
    return fakes, judging(fakes, replace(stage.runbook, service_levels=(), alerts=(ALERT,)))


def test_the_alert_that_must_follow_a_breach_is_waited_for(halted):
    fakes, judge = halted
    recorder = fakes.stage.recorder
    timer = threading.Timer(0.3, lambda: recorder.record(AlertSeen(name="ApiErrors", state="firing")))
    timer.start()
    assert judge.late_alerts() is True
    timer.join()
    assert levels_of(fakes, "outage") == [("faults", True)]
    assert any("Waiting up to" in note.text for note in recorder.view().of(Note))


def test_one_that_does_not_come_is_not_met_and_one_that_nobody_waits_for_is_unknown(halted):
    fakes, judge = halted
    judge._hurry.set()
    assert judge.late_alerts() is True
    judge._hurry.clear()
    judge.late_alerts()
    assert levels_of(fakes, "outage") == [("faults", None), ("faults", False)]


def test_a_run_without_alerts_or_without_a_halt_has_nothing_to_wait_for(theatre):
    fakes = theatre.build()
    assert judging(fakes, fakes.stage.runbook).late_alerts() is False
    assert judging(fakes, replace(fakes.stage.runbook, alerts=(ALERT,))).late_alerts() is False
