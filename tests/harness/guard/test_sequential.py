from __future__ import annotations

import math
import random

import pytest

from harness.guard.sequential import Arm, Cusum, ShiryaevRoberts


def halts(test, rate: float, hours: float, seed: int, per_window: int = 12) -> int:
    """How often the test reaches its limit in simulated time, starting anew after each halt."""
    rng, state, count = random.Random(seed), (), 0
    counts = range(per_window + 1)
    weights = [math.comb(per_window, k) * rate**k * (1 - rate) ** (per_window - k) for k in counts]
    for failed in rng.choices(counts, weights, k=round(hours * 3600 * 4)):
        state = test.fold(state, 0.0, per_window, failed)
        if test.total(state) >= test.limit:
            state, count = (), count + 1
    return count


def test_half_the_threshold_does_not_halt_in_five_hours():
    assert halts(ShiryaevRoberts(0.01), 0.005, 5, seed=1) == 0


def test_just_below_the_threshold_does_not_halt_in_an_hour():
    assert halts(ShiryaevRoberts(0.01), 0.009, 1, seed=2) == 0


def test_five_times_the_threshold_halts_again_and_again():
    assert halts(ShiryaevRoberts(0.01), 0.05, 0.1, seed=3) > 10
    assert halts(Cusum(0.01), 0.05, 0.1, seed=3) > 20


def test_evidence_follows_the_written_rule_exactly():
    theta, expected = 0.01, [-math.inf] * 3
    state: tuple[Arm, ...] = ()
    for n, k in [(12, 0), (13, 1), (12, 3), (9, 9), (12, 0)]:
        state = ShiryaevRoberts(theta).fold(state, 0.0, n, k)
        for j, factor in enumerate((2, 5, 20)):
            p = min(0.9, theta * factor)
            gain = (k * math.log(p / theta) + (n - k) * math.log((1 - p) / (1 - theta))) / 2
            expected[j] = math.log(1 + math.exp(expected[j])) + min(gain, 5.0)
    assert [arm.evidence for arm in state] == pytest.approx(expected)
    mixture = math.log(sum(math.exp(e) for e in expected) / 3)
    assert ShiryaevRoberts(theta).total(state) == pytest.approx(mixture)


def test_no_single_window_can_halt_and_three_can():
    test, state, totals = ShiryaevRoberts(0.01), (), []
    for _ in range(3):
        state = test.fold(state, 0.0, 10_000, 10_000)
        totals.append(test.total(state))
    assert totals[1] < test.limit <= totals[2]


def test_the_change_is_dated_to_the_first_suspicious_window():
    state: tuple[Arm, ...] = ()
    for i in range(20):
        state = ShiryaevRoberts(0.01).fold(state, i * 0.25, 12, 6 if i >= 16 else 0)
    assert [arm.since_s for arm in state] == [4.0, 4.0, 4.0]
    assert [(arm.requests, arm.failed) for arm in state] == [(48, 24)] * 3


def test_an_empty_state_has_no_evidence():
    assert ShiryaevRoberts(0.01).total(()) == -math.inf
    assert Cusum(0.01).total(()) == 0.0
