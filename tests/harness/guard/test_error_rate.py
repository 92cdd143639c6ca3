from __future__ import annotations

import statistics
from itertools import chain

import pytest
from first_breach import first_breach

from harness.guard.error_rate import ErrorRate, ErrorRateOver
from harness.journal.record import Readings, Window

HEALTHY_S = 30.0


def delay_s(condition, traffic, error_rate: float, rps: float = 50.0) -> float:
    """Seconds from the change of the error rate to the halt."""
    windows = chain(traffic.at_rate(rps, 0.005, HEALTHY_S), traffic.at_rate(rps, error_rate, 120))
    breach = first_breach(condition, windows)
    assert breach is not None
    return breach.breach_at - HEALTHY_S


def test_a_plain_ratio_halts_falsely_where_the_sequential_test_does_not(traffic_seeded):
    windows = list(traffic_seeded(3).at_rate(50, 0.005, 300))
    assert first_breach(ErrorRateOver(above=0.01, over_s=3.0), windows) is not None
    assert first_breach(ErrorRate(above=0.01), windows) is None


def test_every_request_failing_halts_in_three_windows(traffic):
    good = [traffic.window(12) for _ in range(240)]
    breach = first_breach(ErrorRate(above=0.01), [*good, *(traffic.window(12, 12) for _ in range(8))])
    assert breach is not None
    assert breach.breach_at == pytest.approx(60.75)
    assert breach.values["first_suspicious_s"] == pytest.approx(60.0)


def test_a_fifth_failing_halts_within_three_seconds(traffic_seeded):
    delays = [delay_s(ErrorRate(above=0.01), traffic_seeded(seed), 0.20) for seed in range(16)]
    assert statistics.median(delays) <= 2.0
    assert max(delays) <= 3.0


def test_five_percent_halts_within_half_a_minute(traffic_seeded):
    delays = [delay_s(ErrorRate(above=0.01), traffic_seeded(seed), 0.05) for seed in range(10)]
    assert 5 < statistics.median(delays) < 20
    assert max(delays) < 30


def test_high_sensitivity_finds_five_percent_sooner(traffic_seeded):
    normal = [delay_s(ErrorRate(above=0.01), traffic_seeded(seed), 0.05) for seed in range(10)]
    high = [delay_s(ErrorRate(above=0.01, sensitivity="high"), traffic_seeded(seed), 0.05) for seed in range(10)]
    assert statistics.median(high) < statistics.median(normal)


@pytest.mark.parametrize("failed", [1, 12, 125])
def test_one_bad_window_never_halts(traffic, failed):
    good = [traffic.window(12) for _ in range(16)]
    blip = [traffic.window(max(12, failed), failed)]
    assert first_breach(ErrorRate(above=0.01), [*good, *blip, *(traffic.window(12) for _ in range(400))]) is None


def test_long_health_does_not_blunt_it(traffic):
    good = (traffic.window(12) for _ in range(4 * 600))
    bad = (traffic.window(12, 12) for _ in range(4))
    breach = first_breach(ErrorRate(above=0.01), chain(good, bad))
    assert breach is not None
    assert breach.breach_at == pytest.approx(600.75)


def test_a_breach_says_on_what_evidence(traffic):
    good = [traffic.window(12) for _ in range(20)]
    breach = first_breach(ErrorRate(above=0.01), [*good, *(traffic.window(12, 6) for _ in range(10))])
    assert breach is not None
    assert breach.condition == "error_rate"
    assert breach.source == "all"
    assert "of" in breach.text
    assert "50% (90% interval" in breach.text
    assert "the limit is 1%" in breach.text
    assert "since +5.0 s" in breach.text
    assert breach.values["evidence"] >= breach.values["evidence_limit"]
    assert breach.values["rate_low"] < 0.5 < breach.values["rate_high"]
    assert breach.values["arm"] == pytest.approx(0.2)
    last = max(int(name.split("_")[1]) for name in breach.values if name.endswith("_end_s") and "window_" in name)
    assert breach.values[f"window_{last}_end_s"] == breach.breach_at
    assert breach.values[f"window_{last}_failed"] == 6


def test_task_errors_count_as_failures_of_all(traffic):
    windows = [traffic.window(0, task_errors=12) for _ in range(8)]
    assert first_breach(ErrorRate(above=0.01), windows) is not None
    assert first_breach(ErrorRate(above=0.01, of="GET *"), windows) is None


def test_only_the_kinds_asked_for_count(traffic):
    windows = [traffic.window(12, 12, kind="timeout") for _ in range(8)]
    assert first_breach(ErrorRate(above=0.01, kinds=frozenset({"http"})), windows) is None
    assert first_breach(ErrorRate(above=0.01, kinds=frozenset({"timeout"})), windows) is not None


def test_only_the_group_asked_for_counts(traffic):
    windows = [traffic.window(12, 12, name="GET /api/v1/apps/[id]/") for _ in range(8)]
    assert first_breach(ErrorRate(above=0.01, of="POST *"), windows) is None
    assert first_breach(ErrorRate(above=0.01, of="GET /api/v1/apps/[id]/"), windows) is not None


@pytest.mark.parametrize(("above", "halts"), [(0.0, True), (0.5, True), (0.95, True), (1.0, False)])
def test_thresholds_at_the_edges_work(traffic, above, halts):
    windows = [traffic.window(50, 50) for _ in range(600)]
    assert (first_breach(ErrorRate(above=above), windows) is not None) == halts


def test_no_traffic_is_no_evidence(traffic):
    condition = ErrorRate(above=0.01)
    state = condition.start()
    for _ in range(400):
        state, breach = condition.step(state, traffic.window(0))
        assert breach is None
    assert condition.distance(state).share is None


def test_readings_do_not_change_it(traffic):
    condition = ErrorRate(above=0.01)
    state, _ = condition.step(condition.start(), traffic.window(12, 12))
    after, breach = condition.step(state, Readings(t=1.0, source="app-1", values={"cpu": 1.0}))
    assert (after, breach) == (state, None)


def test_a_step_leaves_the_state_before_as_it_was(traffic):
    condition = ErrorRate(above=0.01)
    state, _ = condition.step(condition.start(), traffic.window(12, 3))
    window = traffic.window(12, 12)
    assert condition.step(state, window)[0] == condition.step(state, window)[0]


def test_distance_grows_towards_the_limit(traffic):
    condition = ErrorRate(above=0.01)
    state, shares = condition.start(), []
    for window in [traffic.window(12), traffic.window(12, 12), traffic.window(12, 12)]:
        state, _ = condition.step(state, window)
        shares.append(condition.distance(state).share)
    assert shares == sorted(shares)
    assert shares[0] < shares[-1] < 1


def windows_of(traffic, *pairs: tuple[int, int]) -> list[Window]:
    return [traffic.window(requests, failed) for requests, failed in pairs]


def test_the_ratio_needs_its_requests_and_its_whole_stretch(traffic):
    condition = ErrorRateOver(above=0.01, over_s=1.0, min_requests=50)
    assert first_breach(condition, windows_of(traffic, *[(10, 10)] * 40)) is None
    breach = first_breach(condition, windows_of(traffic, *[(20, 10)] * 40))
    assert breach is not None
    assert breach.breach_at - 10.0 == pytest.approx(1.0)
    assert "40 of 80 requests failed in the last 1 s: 50%" in breach.text


def test_the_ratio_forgets_what_is_older(traffic):
    condition = ErrorRateOver(above=0.2, over_s=1.0)
    assert first_breach(condition, windows_of(traffic, (50, 10), *[(50, 0)] * 3, (50, 10), *[(50, 0)] * 20)) is None
