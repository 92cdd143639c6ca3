from __future__ import annotations

import pytest
from first_breach import first_breach

from harness.guard.percentile import Percentile
from harness.journal.histogram import merge, percentile_ms
from harness.journal.record import RequestStats

SLOW = Percentile(fraction=0.95, of="* /api/v1/*", above_ms=200.0, over_s=5.0)


def test_slowness_through_the_whole_stretch_breaches(traffic):
    breach = first_breach(SLOW, [traffic.window(10, latency_ms=300) for _ in range(40)])
    assert breach is not None
    assert breach.breach_at == pytest.approx(5.0)
    assert breach.condition == "p95"
    assert breach.source == "* /api/v1/*"
    assert breach.values["value_ms"] == pytest.approx(300, rel=0.005)
    assert "over the last 5 s" in breach.text


def test_a_share_below_one_in_twenty_does_not_breach(traffic):
    windows = [traffic.window(100, latency_ms=300 if i % 30 == 0 else 20) for i in range(200)]
    assert first_breach(SLOW, windows) is None


def test_it_breaches_exactly_where_the_merged_percentile_is_above(traffic):
    state = SLOW.start()
    for i in range(400):
        latency = traffic.random.choice([20, 100, 199, 200, 201, 250]) if i < 200 else 150
        window = traffic.window(1, latency_ms=latency)
        state, breach = SLOW.step(state, window)
        value = percentile_ms(merge(h for s in state for h in s.histograms), 0.95)
        seen_whole = i >= 19 and sum(s.requests for s in state) >= 20
        assert (breach is not None) == (seen_whole and value > 200.0)


def test_too_few_requests_do_not_breach(traffic):
    windows = [traffic.window(1 if i % 4 == 0 else 0, latency_ms=900) for i in range(200)]
    assert first_breach(SLOW, windows) is None


def test_other_requests_do_not_count(traffic):
    windows = [traffic.window(10, latency_ms=900, name="GET /") for _ in range(40)]
    assert first_breach(SLOW, windows) is None


def test_after_a_hole_in_the_windows_it_waits_until_the_stretch_is_seen_again(traffic):
    state = SLOW.start()
    for _ in range(10):
        state, breach = SLOW.step(state, traffic.window(20, latency_ms=900))
        assert breach is None
    traffic.now_s += 60
    for _ in range(10):
        state, breach = SLOW.step(state, traffic.window(20, latency_ms=900))
        assert breach is None


def test_several_names_of_the_group_are_judged_together(traffic):
    window = traffic.window(10, latency_ms=20)
    slow = {
        "POST /api/v1/investments/": RequestStats(
            requests=10,
            histogram={next(iter(traffic.window(1, latency_ms=500).names.values())).histogram.popitem()[0]: 10},
        )
    }
    state = SLOW.start()
    state, _ = SLOW.step(state, window.model_copy(update={"names": {**window.names, **slow}}))
    assert state[0].requests == 20
    assert state[0].above == 10


def test_distance_is_the_share_of_the_limit(traffic):
    state, _ = SLOW.step(SLOW.start(), traffic.window(10, latency_ms=100))
    assert SLOW.distance(state).share == pytest.approx(0.5, rel=0.01)
    assert SLOW.distance(SLOW.start()).share is None


def test_it_reads_aloud():
    assert SLOW.text == "p95 of * /api/v1/* above 200 ms over 5 s"
    assert Percentile(0.999, "all", 1000, 3).label == "p99.9"
