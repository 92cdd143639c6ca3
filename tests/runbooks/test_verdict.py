"""The verdict is the gravest ground that the records give, and never better than what was seen."""

from __future__ import annotations

import pytest

from harness.journal.plan import PlannedFault
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    HealFailed,
    InjectionFailed,
    LevelJudged,
    LoadEnded,
    LoadSteered,
    PhaseEnded,
    PhaseStarted,
    Proof,
    Record,
    Recovered,
    RunStarted,
    StopDecided,
    Window,
)
from runbooks.verdict import exit_code, not_healed, reach_verdict


def started(expect="held", faults=("f1",)):
    return RunStarted(
        run="r", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="title", runbook_path="r.yaml",
        hypothesis="h", expect=expect, target="t", target_path="t.yaml", environment="practice", base_url="http://x",
        faults=tuple(PlannedFault(id=f, name=f"fault {f}", fault_kind="latency") for f in faults),
    )  # fmt: skip


def level(phase, met, name="api"):
    text = f"{name} p95 1 ms, limit 2 ms: {'unknown' if met is None else 'met' if met else 'not met'}"
    return LevelJudged(name=name, phase=phase, value=1.0, limit=2.0, unit="ms", met=met, text=text)


def proof(side, effective):
    return Proof(fault_id="f1", side=side, expected="slower", measured="as before", effective=effective)


INJECTED = FaultInjected(fault_id="f1", name="fault f1", fault_kind="latency")
HEALED = FaultHealed(fault_id="f1", by="conductor", verified=True)
NOT_BACK = FaultHealed(fault_id="f1", by="conductor", verified=False, measured_after="52 ms")
PROVEN = (INJECTED, proof("wire", True), proof("platform", True), HEALED)
GOOD = (
    level("baseline", True),
    *PROVEN,
    level("faults", True),
    Recovered(time_to_recover_s=0.5),
    level("recovery", True),
)


def verdict_of(*records: Record, expect="held", faults=("f1",)):
    return reach_verdict((started(expect, faults), *records), recover_within_s=10.0)


def test_all_levels_met_and_all_faults_proven_is_held_with_exit_code_0():
    reached = verdict_of(*GOOD)
    assert (reached.verdict, reached.exit_code) == ("held", 0)


@pytest.mark.parametrize(
    ("records", "verdict", "word"),
    [
        ((level("baseline", False),), "invalid", "baseline"),
        ((level("baseline", None),), "invalid", "unknown"),
        ((level("baseline", True), *PROVEN, level("faults", False)), "deviated", "under the faults"),
        ((level("baseline", True), *PROVEN, level("faults", None)), "invalid", "unknown"),
        ((level("baseline", True), *PROVEN, Recovered(time_to_recover_s=None)), "deviated", "did not hold again"),
        ((level("baseline", True), *PROVEN, Recovered(time_to_recover_s=11.0)), "deviated", "recovery took"),
        ((level("baseline", True), *PROVEN, level("recovery", None)), "invalid", "in recovery"),
        ((INJECTED, proof("wire", True), proof("platform", False), HEALED), "invalid", "no effect at the platform"),
        ((INJECTED, proof("wire", False), proof("platform", False), HEALED), "invalid", "no effect on the wire"),
        ((INJECTED, proof("wire", None), proof("platform", True), HEALED), "invalid", "could not be proven"),
        ((INJECTED, proof("wire", True), HEALED), "invalid", "not proven twice"),
        ((InjectionFailed(fault_id="f1", reason="refused"),), "invalid", "could not be injected"),
        ((level("baseline", True),), "invalid", "never injected"),
        ((*GOOD, LoadEnded(exit_code=0)), "invalid", "ended by itself"),
        ((*GOOD, HealFailed(fault_id="f1", by="conductor", reason="hangs", command="gameday heal")), "held", ""),
        ((INJECTED, HealFailed(fault_id="f1", by="conductor", reason="hangs", command="gameday heal")), "not-healed",
         "gameday heal"),
        ((*PROVEN[:3], NOT_BACK), "not-healed",
         "not back"),
    ],
)  # fmt: skip
def test_each_ground_gives_its_verdict_and_says_why(records, verdict, word):
    reached = verdict_of(*records)
    assert reached.verdict == verdict
    assert word in reached.reason


def test_a_stop_is_graver_than_a_deviation_and_unreached_faults_are_no_ground():
    stop = StopDecided(source="condition", reason="error rate", decided_at=5.0)
    reached = verdict_of(level("baseline", True), *PROVEN, level("faults", False), stop, faults=("f1", "f2"))
    assert reached.verdict == "stopped"
    assert "also deviated" in reached.reason


def test_a_halt_that_came_before_the_proof_is_not_an_invalid_run():
    stop = StopDecided(source="condition", reason="error rate", decided_at=5.0)
    assert verdict_of(INJECTED, proof("wire", None), proof("platform", None), HEALED, stop).verdict == "stopped"


def test_a_fault_that_never_bit_is_still_said_when_the_run_deviated():
    reached = verdict_of(level("baseline", True), INJECTED, proof("wire", True), proof("platform", False), HEALED,
                         level("faults", False))  # fmt: skip
    assert reached.verdict == "deviated"
    assert "also invalid" in reached.reason


def under_load(value, met, *, lag_ms=1.0, limit=200.0, unit="ms", phase="baseline"):
    """A load test: one phase, its windows and one judged level."""
    windows = [Window(t=t / 4, start=t / 4, end=t / 4 + 0.25, lag_ms=lag_ms) for t in range(8)]
    judged = LevelJudged(name="api", phase=phase, value=value, limit=limit, unit=unit, met=met, text="api p95")
    return (PhaseStarted(t=0.0, name=phase), *windows, PhaseEnded(t=2.0, name=phase), judged)


@pytest.mark.parametrize(
    ("records", "verdict", "code"),
    [
        (under_load(20.0, True), "held", 0),
        (under_load(900.0, False), "deviated", 10),
        (under_load(900.0, False, phase="recovery"), "deviated", 10),
        (under_load(900.0, False, lag_ms=300.0), "deviated", 10),
        (under_load(230.0, False, lag_ms=60.0), "invalid", 12),
        (under_load(230.0, False, lag_ms=40.0), "deviated", 10),
        (under_load(0.05, False, lag_ms=300.0, limit=0.01, unit="fraction"), "deviated", 10),
        (under_load(None, None), "invalid", 12),
        ((*under_load(20.0, True), LoadSteered(t=1.0, users=3)), "invalid", 12),
    ],
)
def test_without_faults_a_missed_level_is_the_result_and_only_a_blind_or_lagging_generator_proves_nothing(
    records, verdict, code
):
    reached = verdict_of(*records, faults=())
    assert (reached.verdict, reached.exit_code) == (verdict, code)
    assert "nothing was injected" not in reached.reason


def test_a_load_test_that_was_halted_is_stopped_and_what_it_could_not_measure_is_no_further_ground():
    stop = StopDecided(source="condition", reason="error rate", decided_at=1.0)
    reached = verdict_of(*under_load(None, None), stop, faults=())
    assert (reached.verdict, reached.reason) == ("stopped", "error rate")


def test_tags_leave_levels_out_as_long_as_any_is_left():
    untouched = LevelJudged(name="page", phase="baseline", value=None, limit=200.0, unit="ms", met=None)
    tagged = started(faults=()).model_copy(update={"tags": ("payment",)})
    assert reach_verdict((tagged, *under_load(20.0, True), untouched), recover_within_s=1).verdict == "held"
    assert reach_verdict((tagged, untouched), recover_within_s=1).verdict == "invalid"
    assert verdict_of(*under_load(20.0, True), untouched, faults=()).verdict == "invalid"


def test_a_person_who_stops_the_load_on_locusts_page_stops_the_run():
    stop = StopDecided(source="person", reason="the load was stopped on Locust's web page", decided_at=1.0)
    reached = verdict_of(LoadEnded(exit_code=0, by_person=True), stop, faults=())
    assert (reached.verdict, reached.exit_code, reached.reason) == ("stopped", 11, stop.reason)


def test_a_load_that_died_makes_the_run_invalid_not_stopped():
    stop = StopDecided(source="error", reason="the load ended by itself", decided_at=5.0)
    reached = verdict_of(*GOOD, LoadEnded(exit_code=1), stop)
    assert (reached.verdict, reached.exit_code) == ("invalid", 12)


@pytest.mark.parametrize(
    ("verdict", "expect", "by_person", "code"),
    [
        ("held", "held", False, 0),
        ("deviated", "held", False, 10),
        ("stopped", "held", False, 11),
        ("stopped", "stopped", False, 0),
        ("deviated", "deviated", False, 0),
        ("held", "stopped", False, 10),
        ("deviated", "stopped", False, 10),
        ("stopped", "deviated", False, 10),
        ("stopped", "stopped", True, 11),
        ("invalid", "stopped", False, 12),
        ("not-healed", "stopped", False, 13),
    ],
)
def test_exit_codes_follow_the_contract(verdict, expect, by_person, code):
    assert exit_code(verdict, expect, by_person=by_person) == code


def test_what_is_left_injected_is_found_without_a_verdict_so_that_no_error_hides_it():
    failed = HealFailed(fault_id="f1", by="conductor", reason="hangs", command="gameday heal")
    assert not_healed((started(), INJECTED, HEALED)) == ()
    assert "gameday heal" in not_healed((started(), INJECTED, failed))[0]


def broken(phase, met, about="invariant"):
    return level(phase, met, "no double charge").model_copy(update={"about": about})


def test_an_invariant_that_is_broken_in_recovery_alone_is_no_held_run():
    reached = verdict_of(*GOOD, broken("recovery", False))
    assert (reached.verdict, reached.exit_code) == ("deviated", 10)
    assert "no double charge" in reached.reason


def test_a_broken_invariant_after_the_halt_of_a_drill_is_said_and_does_not_exit_0():
    stop = StopDecided(source="condition", reason="error rate", decided_at=5.0)
    drill = (level("baseline", True), *PROVEN, level("faults", False), stop)
    assert verdict_of(*drill, broken("recovery", True), expect="stopped").exit_code == 0
    reached = verdict_of(*drill, broken("recovery", False), expect="stopped")
    assert (reached.verdict, reached.exit_code) == ("stopped", 10)
    assert "no double charge" in reached.reason


def test_what_could_not_be_asked_after_a_halt_makes_no_stopped_run_invalid():
    stop = StopDecided(source="condition", reason="error rate", decided_at=5.0)
    reached = verdict_of(level("baseline", True), *PROVEN, broken("recovery", None), stop)
    assert (reached.verdict, "invalid" in reached.reason) == ("stopped", False)


def test_an_alert_that_did_not_fire_is_a_deviation_like_any_other_level():
    assert verdict_of(*GOOD, broken("faults", False, "alert")).verdict == "deviated"
    assert verdict_of(*GOOD, broken("faults", None, "alert")).verdict == "invalid"
