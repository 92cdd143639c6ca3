from __future__ import annotations

import timeit

from harness.guard.error_rate import ErrorRate, ErrorRateOver
from harness.guard.guard import Guard
from harness.guard.percentile import Percentile
from harness.guard.reading import ReadingLimit
from harness.guard.stall import Stall
from harness.journal.histogram import bucket_of
from harness.journal.record import Gap, Note, Readings, RequestStats


def test_the_first_breach_is_kept_and_answered_once(traffic):
    guard = Guard([ErrorRate(above=0.01), ErrorRateOver(above=0.01, over_s=0.25)])
    guard.arm()
    answers = [guard.see(traffic.window(60, 60)) for _ in range(8)]
    breaches = [a for a in answers if a]
    assert len(breaches) == 1
    assert answers[0] is breaches[0] is guard.breach
    assert "in the last 0.25 s" in breaches[0].text


def test_warm_up_does_not_halt_and_does_not_count_afterwards(traffic):
    guard = Guard([ErrorRate(above=0.01)])
    for _ in range(40):
        assert guard.see(traffic.window(12, 12)) is None
    guard.arm()
    assert guard.see(traffic.window(12, 12)) is None
    assert guard.see(traffic.window(12)) is None
    assert all(guard.see(traffic.window(12)) is None for _ in range(40))


def test_the_stall_learns_what_to_expect_in_warm_up(traffic):
    guard = Guard([Stall(over_s=1.0)])
    for window in traffic.at_rate(48, 0, 5):
        guard.see(window)
    guard.arm()
    breaches = [b for b in (guard.see(traffic.window(0, in_flight=60)) for _ in range(6)) if b]
    assert [b.condition for b in breaches] == ["stall"]


def test_arming_an_armed_guard_forgets_nothing(traffic):
    guard = Guard([ErrorRate(above=0.01)])
    for _ in range(3):
        guard.arm()
        breach = guard.see(traffic.window(12, 12))
    assert breach is not None


def test_other_messages_pass_by(traffic):
    guard = Guard([ErrorRate(above=0.01), ReadingLimit("app-1.cpu", above=0.9)])
    guard.arm()
    assert guard.see(Note(text="hello")) is None
    assert guard.see(Gap(source="app-1", reason="no answer")) is None


def test_readings_reach_their_condition():
    guard = Guard([ReadingLimit("app-1.cpu", above=0.9, over_s=2.0)])
    guard.arm()
    answers = [guard.see(Readings(t=float(t), source="app-1", values={"cpu": 0.95})) for t in range(1, 5)]
    assert [a is not None for a in answers] == [False, False, True, False]


def test_distances_name_every_condition(traffic):
    guard = Guard([ErrorRate(above=0.01), Stall(over_s=1.0), ReadingLimit("app-1.cpu", above=0.9, over_s=5.0)])
    guard.see(traffic.window(12))
    assert [text for text, _ in guard.distances()] == [
        "error rate above 1%",
        "stall over 1 s",
        "app-1.cpu above 0.9 over 5 s",
    ]


def test_a_window_of_twenty_names_costs_well_under_a_millisecond(traffic):
    guard = Guard(
        [
            ErrorRate(above=0.01),
            Percentile(0.95, "* /api/v1/*", 1e6, 5.0),
            Stall(over_s=1.0),
            ReadingLimit("app-1.cpu", above=0.97, over_s=20.0),
        ]
    )
    names = {
        f"GET /api/v1/thing-{i}/": RequestStats(requests=10, histogram={bucket_of(10.0 + i + n): 1 for n in range(10)})
        for i in range(20)
    }
    windows = [traffic.window(0).model_copy(update={"names": names}) for _ in range(400)]
    guard.arm()
    took_s = min(timeit.repeat(lambda: [guard.see(w) for w in windows], number=1, repeat=3)) / len(windows)
    assert took_s < 0.001
