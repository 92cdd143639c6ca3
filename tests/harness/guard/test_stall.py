from __future__ import annotations

import pytest
from first_breach import first_breach

from harness.guard.stall import Stall

STALL = Stall(over_s=1.0)


def healthy(traffic, seconds: float = 10.0, rps: float = 48.0, **more):
    return list(traffic.at_rate(rps, 0.0, seconds, **more))


def test_a_hang_breaches_after_over_s(traffic):
    windows = healthy(traffic)
    windows += [traffic.window(0, in_flight=10 + 10 * i) for i in range(8)]
    breach = first_breach(STALL, windows)
    assert breach is not None
    assert breach.breach_at == pytest.approx(11.0)
    assert breach.condition == "stall"
    assert breach.values["first_suspicious_s"] == pytest.approx(10.0)
    assert breach.values["completed"] == 0
    assert 30 < breach.values["expected"] < 70
    assert "no request completed for 1.00 s" in breach.text


def test_a_trickle_while_nearly_all_users_wait_breaches(traffic):
    windows = healthy(traffic)
    windows += [traffic.window(1 if i % 8 == 0 else 0, in_flight=min(95, 30 * i)) for i in range(20)]
    breach = first_breach(Stall(over_s=2.0), windows)
    assert breach is not None
    assert "only 1 request completed" in breach.text


def test_a_trickle_while_users_do_not_wait_is_no_stall(traffic):
    windows = healthy(traffic) + [traffic.window(1 if i % 3 == 0 else 0, in_flight=3) for i in range(20)]
    assert first_breach(Stall(over_s=1.0), windows) is None


def test_nothing_in_flight_is_no_stall(traffic):
    windows = healthy(traffic) + [traffic.window(0, in_flight=0) for _ in range(40)]
    assert first_breach(STALL, windows) is None


def test_failing_requests_are_no_stall(traffic):
    windows = healthy(traffic) + [traffic.window(12, 12, in_flight=90) for _ in range(40)]
    assert first_breach(STALL, windows) is None


def test_a_handful_of_users_never_stalls(traffic):
    windows = healthy(traffic, users=4) + [traffic.window(0, in_flight=4, users=4) for _ in range(40)]
    assert first_breach(STALL, windows) is None


def test_low_traffic_never_stalls(traffic):
    assert first_breach(STALL, healthy(traffic, 900, rps=4.0, in_flight=2)) is None


def test_five_requests_a_second_with_long_answers_do_not_stall_in_half_an_hour(traffic_seeded):
    for seed in range(2):
        windows = healthy(traffic_seeded(seed), 900, rps=6.0, in_flight=6)
        assert first_breach(STALL, windows) is None


def test_ramp_up_does_not_stall(traffic):
    windows = [traffic.window(0, users=0, in_flight=0) for _ in range(4)]
    for users in range(5, 105, 5):
        windows += list(traffic.at_rate(0.48 * users, 0.0, 0.25, users=users, in_flight=users // 3))
    windows += healthy(traffic)
    assert first_breach(STALL, windows) is None


def test_slow_first_answers_without_a_history_do_not_stall(traffic):
    windows = [traffic.window(0, users=5 * i, in_flight=5 * i) for i in range(20)]
    assert first_breach(STALL, windows) is None


def test_a_down_ramp_does_not_stall(traffic):
    windows = healthy(traffic)
    for users in range(100, -1, -10):
        windows += list(traffic.at_rate(0.48 * users, 0.0, 1.0, users=users, in_flight=min(users, 1)))
    windows += [traffic.window(0, users=6, in_flight=1) for _ in range(12)]
    windows += [traffic.window(0, users=0, in_flight=0) for _ in range(12)]
    assert first_breach(STALL, windows) is None


def test_users_in_step_whose_answers_take_longer_than_over_s_do_not_stall(traffic):
    windows = []
    for _ in range(10):  # a wave each 6 s, answered after 2 s
        windows += [traffic.window(0, in_flight=100) for _ in range(7)]
        windows += [traffic.window(100, latency_ms=2000, in_flight=0)]
        windows += [traffic.window(0, in_flight=0) for _ in range(16)]
    assert first_breach(STALL, windows) is None


def test_time_that_no_window_covers_is_no_evidence_and_the_expectation_stays(traffic):
    windows = healthy(traffic) + [traffic.window(0, in_flight=50) for _ in range(3)]
    traffic.now_s += 60.0
    windows.append(traffic.window(0, in_flight=50))
    assert first_breach(STALL, windows) is None
    windows += [traffic.window(0, in_flight=50) for _ in range(4)]
    breach = first_breach(STALL, windows)
    assert breach is not None
    assert breach.values["first_suspicious_s"] > 60.0


def test_a_load_process_that_stood_still_is_no_stall(traffic):
    windows = healthy(traffic) + [traffic.window(0, in_flight=50, lag_ms=900) for _ in range(12)]
    assert first_breach(STALL, windows) is None


def test_distance_shows_the_quiet(traffic):
    state = STALL.start()
    assert STALL.distance(state).share is None
    for window in [*healthy(traffic), traffic.window(0, in_flight=30), traffic.window(0, in_flight=40)]:
        state, _ = STALL.step(state, window)
    assert STALL.distance(state).share == pytest.approx(0.5)
    assert "none completed for 0.5 s" in STALL.distance(state).text


def test_distance_is_unknown_with_too_little_traffic(traffic):
    state = STALL.start()
    for window in healthy(traffic, users=3):
        state, _ = STALL.step(state, window)
    assert STALL.distance(state).share is None
