from __future__ import annotations

import pytest

from harness.analysis.alert_level import AlertLevel, Moments, judge_alert
from harness.journal.record import AlertSeen

SLOW = AlertLevel("noticed", "DatabaseSlow", within_s=30.0, labels={"severity": "page"}, fault_id="f1")
OVER = AlertLevel("noticed", "DatabaseSlow", within_s=30.0, resolved_within_s=20.0)
AFTER_BREACH = AlertLevel("outage", "DatabaseSlow", within_s=30.0, after="breach")
PLAYED = Moments("slow database", injected_s=100.0, healed_s=120.0, now_s=160.0)
ALL_ALONG = [float(t) for t in range(80, 160)]


def alert(t, state="firing", *, since=None, **labels):
    return AlertSeen(t=t, name="DatabaseSlow", labels={"severity": "page"} | labels, state=state, since=since)


def judged(seen, level=SLOW, moments=PLAYED, heard=ALL_ALONG):
    return judge_alert(level, seen, moments, heard)[0]


def test_an_alert_that_fires_in_time_is_met_and_says_how_long_it_took():
    record = judged([alert(112.0, since=110.0)])
    assert (record.met, record.value, record.limit, record.unit) == (True, 12.0, 30.0, "s")
    assert (record.phase, record.about) == ("faults", "alert")
    assert "fired 12.0 s after slow database was injected" in record.text


def test_an_alert_that_fires_too_late_or_never_is_not_met():
    assert judged([alert(131.0)]).met is False
    assert judged([]).met is False
    assert judged([alert(110.0, "suppressed")]).met is False
    assert "silenced" in judged([alert(110.0, "suppressed")]).text


@pytest.mark.parametrize("other", [{"severity": "warning"}, {}])
def test_another_alert_is_no_answer(other):
    wrong = AlertSeen(t=110.0, name="DatabaseSlow", labels=other, state="firing")
    assert judged([wrong, wrong.model_copy(update={"name": "DiskFull"})]).met is False


def test_an_alert_that_was_firing_before_the_fault_says_nothing():
    assert judged([alert(90.0)]).met is None
    assert judged([alert(102.0, since=60.0)]).met is None
    assert judged([alert(104.0, since=97.0)]).met is True  # clocks differ by a few seconds


def test_one_that_was_over_before_the_fault_and_fires_again_is_met():
    assert judged([alert(60.0), alert(90.0, "resolved"), alert(105.0)]).met is True
    assert judged([alert(60.0), alert(105.0, instance="b")]).met is True


def test_an_alerting_that_could_not_be_asked_is_unknown():
    assert judged([], heard=[]).met is None
    late = judged([alert(140.0)], heard=[140.0, 141.0])
    assert (late.met, late.value) == (None, 40.0)


def test_a_halt_or_an_end_that_came_first_is_unknown():
    halted = Moments("slow database", injected_s=100.0, now_s=110.0, halted=True)
    assert judged([], moments=halted).met is None
    assert "the halt came first" in judged([], moments=halted).text
    assert judged([alert(105.0)], moments=halted).met is True
    assert judged([], moments=Moments("slow database")).met is None


def test_after_a_breach_the_time_counts_from_it_and_an_earlier_alert_is_in_time():
    breached = Moments("slow database", injected_s=100.0, breach_s=110.0, now_s=145.0, halted=True)
    assert judged([alert(105.0)], AFTER_BREACH, breached).value == 0.0
    assert judged([alert(125.0)], AFTER_BREACH, breached).value == 15.0
    assert judged([alert(141.0)], AFTER_BREACH, breached).met is False
    assert judge_alert(AFTER_BREACH, [], PLAYED, ALL_ALONG) == []


def test_an_alert_must_be_over_in_time_where_that_is_asked():
    def over(*seen):
        return judge_alert(OVER, seen, PLAYED, ALL_ALONG)[1]

    assert (over(alert(110.0), alert(125.0, "resolved")).met, over(alert(110.0), alert(125.0, "resolved")).value) == (
        True,
        5.0,
    )
    assert over(alert(110.0), alert(145.0, "resolved")).met is False
    assert over(alert(110.0)).met is False
    assert over().met is None
    assert over(alert(110.0), alert(125.0, "resolved"), alert(130.0)).met is False
    assert (over(alert(110.0)).phase, over(alert(110.0)).name) == ("recovery", "noticed, resolved")
