"""The proof on the wire: what counts as an effect, and what doesn't."""

from __future__ import annotations

from typing import Any

import pytest

from faults.probe import Sample
from faults.wire import Delayed, Silenced, WireBefore, measure_back, survey
from harness.clock import Deadline
from harness.errors import ReachFailed

BEFORE = WireBefore(median_ms=1.0, noise_ms=0.5)


def samples(*times_ms: float) -> list[Sample]:
    return [Sample(ok=True, elapsed_ms=ms) for ms in times_ms]


SILENT = Sample(ok=False, elapsed_ms=1500.0, error="no answer within 1.5 s")


@pytest.mark.parametrize("times", [(51, 52, 53), (45, 55, 60), (52, 300, 900), (41.1, 41.2, 41.3)])
def test_a_wire_slower_by_the_latency_is_proven(times: tuple[float, ...]) -> None:
    assert Delayed(50, 10).judge(BEFORE, samples(*times)).effective is True


@pytest.mark.parametrize("times", [(1, 1.2, 1.1), (1, 1, 300), (15, 16, 17), (200, 210, 220)])
def test_a_wire_that_did_not_move_or_moved_otherwise_is_not(times: tuple[float, ...]) -> None:
    assert Delayed(50, 10).judge(BEFORE, samples(*times)).effective is False


@pytest.mark.parametrize("latency_ms", [1, 2, 5, 10, 20])
def test_a_small_latency_is_told_from_none(latency_ms: float) -> None:
    rule = Delayed(latency_ms, jitter_ms=latency_ms)
    assert rule.judge(BEFORE, samples(1.0, 1.0, 1.3)).effective is False
    assert rule.judge(BEFORE, samples(1 + latency_ms, 1.1 + latency_ms, 1.2 + latency_ms)).effective is True


def test_silence_is_no_latency() -> None:
    effect = Delayed(50).judge(BEFORE, [*samples(51), SILENT])
    assert effect.effective is False
    assert "no answer within 1.5 s" in effect.measured.text


def test_a_share_of_the_connections_is_sampled_over_new_ones(scripted: Any) -> None:
    probe = scripted(samples(1, 1, 1, 52, 1))
    assert Delayed(50, toxicity=0.2).prove(probe, BEFORE).effective is True
    assert probe.renewed == len(probe.timeouts_s) > 1
    assert Delayed(50, toxicity=0.2).prove(scripted(samples(1)), BEFORE).effective is False


def test_proving_a_long_latency_takes_few_samples(scripted: Any) -> None:
    probe = scripted(samples(2001))
    assert Delayed(2000).prove(probe, BEFORE).effective is True
    assert len(probe.timeouts_s) == 1


@pytest.mark.parametrize("sample", [SILENT, Sample(ok=False, elapsed_ms=3, error="server closed the connection")])
def test_no_answer_is_what_a_silenced_wire_shows(sample: Sample) -> None:
    assert Silenced().judge(BEFORE, [sample]).effective is True


def test_an_answer_is_not(scripted: Any) -> None:
    assert Silenced().prove(scripted(samples(3)), BEFORE).effective is False


def test_the_survey_takes_the_median_and_leaves_the_first_out(scripted: Any) -> None:
    before = survey(scripted(samples(80, 2, 1, 3, 2, 9)), 1.5)
    assert before == WireBefore(median_ms=2, noise_ms=7)


def test_a_wire_that_fails_before_the_fault_is_refused(scripted: Any) -> None:
    with pytest.raises(ReachFailed, match="before the fault"):
        survey(scripted([*samples(1, 1), SILENT]), 1.5)


def test_measuring_after_healing_waits_until_the_wire_is_back(scripted: Any) -> None:
    effect = measure_back(Silenced(), scripted([SILENT, SILENT, *samples(2)]), BEFORE, Deadline.after(3))
    assert effect.effective is True
    assert effect.measured.text == "round trip 2.0 ms, before the fault 1.0 ms"


def test_a_wire_that_does_not_come_back_is_said(scripted: Any) -> None:
    effect = measure_back(Delayed(50), scripted(samples(60)), BEFORE, Deadline.after(0.1))
    assert effect.effective is False


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Delayed(50, 10), "round trips 50 ms slower (give or take 10 ms)"),
        (Delayed(50, toxicity=0.5), "round trips 50 ms slower on 50% of the connections"),
        (Silenced(), "no answer within 1.5 s"),
    ],
)
def test_what_is_expected_reads_aloud(rule: Delayed | Silenced, text: str) -> None:
    assert rule.expected == text
