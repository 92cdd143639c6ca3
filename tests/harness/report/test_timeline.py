from __future__ import annotations

from datetime import UTC, datetime

from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import timeline


def texts(*records: r.Record) -> list[str]:
    return [event.text for event in timeline.events(JournalView(records))]


def test_the_drill_is_told_in_order_with_both_clocks(stopped_records: list[r.Record]) -> None:
    events = timeline.events(JournalView(tuple(stopped_records)))
    assert [event.t_s for event in events] == sorted(event.t_s for event in events)
    breach = next(event for event in events if event.text.startswith("BREACH"))
    assert breach.level == "error"
    assert breach.utc == datetime(2026, 11, 22, 14, 3, 52, 502000, tzinfo=UTC)
    order = [
        "Fault on: no connections",
        "BREACH",
        "Halt decided",
        "Fault off: no connections",
        "Load stopped",
        "Verdict",
    ]
    told = [next(i for i, event in enumerate(events) if event.text.startswith(start)) for start in order]
    assert told == sorted(told)


def test_windows_and_readings_are_no_events() -> None:
    assert texts(r.Window(start=0, end=1), r.Readings(source="app-1", values={"cpu": 0.4})) == []


def test_gaps_in_a_row_are_one_event_and_later_ones_another() -> None:
    gaps = [r.Gap(t=t, source="app-1", reason="timed out") for t in (1, 7, 13, 60)]
    assert texts(*gaps, r.Gap(t=2, source="db-1", reason="refused")) == [
        "Nothing known of app-1 until +13.0 s (3 times): timed out",
        "Nothing known of db-1: refused",
        "Nothing known of app-1: timed out",
    ]


def test_an_unhealed_fault_says_what_to_type() -> None:
    (said,) = texts(r.HealFailed(fault_id="f", by="healer", reason="refused", command="gameday heal"))
    assert said == "NOT HEALED by the healer process: f: refused; type: gameday heal"


def test_a_fault_without_effect_is_an_error() -> None:
    proof = r.Proof(fault_id="f", side="platform", expected="slower", measured="the same", effective=False)
    (event,) = timeline.events(JournalView((proof,)))
    assert event.level == "error"
    assert "NO effect at the platform: expected slower, measured the same" in event.text


def test_a_replaced_proxy_is_told() -> None:
    healed = r.FaultHealed(fault_id="f", by="conductor", rung="proxy replaced", verified=True, note="proxy made anew")
    assert "(proxy replaced)" in texts(healed)[0]
    assert "proxy made anew" in texts(healed)[0]


def test_without_a_start_there_is_no_wall_clock_and_no_crash() -> None:
    (event,) = timeline.events(JournalView((r.Note(t=3, text="hello\nthere", level="warning"),)))
    assert (event.utc, event.text, event.level) == (None, "hello there", "warning")


def test_a_gap_names_its_source_once() -> None:
    assert texts(r.Gap(source="app-1", reason="app-1: no reading: exit code 0: ")) == [
        "Nothing known of app-1: no reading: exit code 0"
    ]


def test_what_is_healed_and_no_fault_of_this_run_is_a_leftover() -> None:
    assert texts(r.FaultHealed(fault_id="load", by="healer", verified=True))[0].startswith("Leftover off: load, healed")


def test_what_the_report_says_at_length_elsewhere_is_said_in_short() -> None:
    level = r.LevelJudged(t=1, name="api", phase="faults", value=0.03, limit=0.01, unit="fraction", met=False,
                          text="api error rate 3%, limit 1%: not met")  # fmt: skip
    verdict = r.VerdictReached(t=2, verdict="stopped", reason="the error rate", exit_code=11)
    assert texts(level, verdict) == [
        "Service level NOT met in faults: api error rate 3%, limit 1%",
        "Verdict: stopped",
    ]


def test_a_crash_is_told_with_its_exit_code_and_an_alert_with_its_labels() -> None:
    crash = r.CrashSeen(t=1, source="container.api", what="exited", text="the process ended", exit_code=137)
    alert = r.AlertSeen(t=2, name="DatabaseSlow", labels={"severity": "page"}, state="firing", source="Alertmanager")
    assert texts(crash, alert, alert.model_copy(update={"t": 3.0, "state": "resolved"})) == [
        "CRASH: container.api: the process ended (exit code 137)",
        "Alert DatabaseSlow fires (severity page), told by Alertmanager",
        "Alert DatabaseSlow is over (severity page), told by Alertmanager",
    ]
