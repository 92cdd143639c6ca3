"""The proofs by amounts: a bandwidth, slices and a limit of data, and what is none of them."""

from __future__ import annotations

from typing import Any

import pytest

from faults.catalog import KINDS
from faults.fault import FaultPlan
from faults.probe import Sample
from faults.toxics.slicer import slicer
from faults.wire import WireBefore
from faults.wire_amount import Limited, Slowed
from harness.errors import ReachFailed

CUT = Sample(ok=False, elapsed_ms=3.0, error="server closed the connection")
SILENT = Sample(ok=False, elapsed_ms=1500.0, error="no answer within 1.5 s", silent=True)
REFUSED = Sample(ok=False, elapsed_ms=1.0, error="connection refused", refused=True)


def rate(kb_per_s: float, toxicity: float = 1.0) -> Slowed:
    def takes_ms(carried_bytes: int) -> float:
        return carried_bytes / kb_per_s

    return Slowed(f"{kb_per_s:g} KB/s", "downstream", 1 / kb_per_s, takes_ms, takes_ms, toxicity)


def took(*times_ms: float, carried: int = 0) -> list[Sample]:
    return [Sample(ok=True, elapsed_ms=ms, bytes=carried) for ms in times_ms]


BEFORE = WireBefore(median_ms=2.0, noise_ms=1.0, bytes=19_200)


@pytest.mark.parametrize("times", [(302, 303, 305), (295, 301, 900), (280, 390, 300)])
def test_bytes_that_take_their_time_prove_the_rate(times: tuple[float, ...]) -> None:
    assert rate(64).judge(BEFORE, took(*times)).effective is True


@pytest.mark.parametrize("times", [(2, 3, 2), (2, 3, 900), (100, 120, 110), (900, 950, 1200)])
def test_a_free_wire_a_spike_and_a_stall_do_not(times: tuple[float, ...]) -> None:
    assert rate(64).judge(BEFORE, took(*times)).effective is False


@pytest.mark.parametrize("sample", [CUT, SILENT, REFUSED])
def test_a_wire_that_fails_is_no_slow_one(sample: Sample) -> None:
    effect = rate(64).judge(BEFORE, [*took(303), sample])
    assert effect.effective is False
    assert sample.error in effect.measured.text


def test_the_measured_rate_is_told() -> None:
    values = rate(64).judge(BEFORE, took(300, 300, 300)).measured.values
    assert values["bytes_per_s"] == pytest.approx(64_000)


def test_a_share_of_the_connections_is_sampled_over_new_ones(scripted: Any) -> None:
    probe = scripted(took(2, 2, 302, 2, 2))
    effect = rate(64, toxicity=0.3).prove(probe, BEFORE)
    assert effect.effective is True
    assert "302.0 ms" in effect.measured.text
    assert probe.renewed == len(probe.carried)
    assert rate(64, toxicity=0.3).prove(scripted(took(2)), BEFORE).effective is False


def test_as_much_is_asked_as_takes_a_third_of_a_second(scripted: Any) -> None:
    probe = scripted(took(2))
    rate(64).survey(probe)
    assert set(probe.carried) == {("downstream", 19_200)}
    assert rate(100_000).amount_bytes == 8_000_000


def test_what_a_probe_carries_too_little_for_is_refused_with_the_figures(scripted: Any) -> None:
    with pytest.raises(ReachFailed, match=r"carries 200 bytes downstream, which would take 3.1\d ms longer"):
        rate(64).survey(scripted(took(2, carried=200)))


def test_a_rate_that_the_wire_does_not_reach_anyway_is_refused(scripted: Any) -> None:
    with pytest.raises(ReachFailed, match=r"takes 1\.5 s without it"):
        rate(64).survey(scripted(took(1500)))


def test_the_wire_is_back_when_as_much_takes_as_long_as_before(scripted: Any) -> None:
    assert rate(64).back(scripted(took(3)), BEFORE, 1.5)[0] is True
    assert rate(64).back(scripted(took(303)), BEFORE, 1.5)[0] is False
    assert rate(64).back(scripted([SILENT]), BEFORE, 1.5) == (False, SILENT.error)


@pytest.mark.parametrize(
    ("size", "variation", "delay", "amount", "takes_ms"),
    # measured on the real server: 38.8 ms for 2000 bytes in slices of 100, 1 ms each; 3480 ms for 3000 of 1 byte
    [
        (100, 0, "1ms", 2000, 38.8),
        (1, 0, "100us", 3000, 3480.0),
        (64, 10, "5ms", 4440, 447.5),
        (1000, 999, "1ms", 256_000, 262),
    ],
)
def test_slices_prove_themselves_by_what_was_measured(
    wire: Any, size: int, variation: int, delay: str, amount: int, takes_ms: float
) -> None:
    params = KINDS["slicer"].params.model_validate({"average_size": size, "variation": variation, "delay": delay})
    rule = slicer(FaultPlan("f1", "x", "slicer", "pg", params, 0.0, 10.0), wire, "r")._rule
    assert isinstance(rule, Slowed)
    before = WireBefore(1.0, 0.5, amount)
    assert rule.judge(before, took(1 + takes_ms)).effective is True
    assert rule.judge(before, took(2.0)).effective is False
    assert rule.least_ms(amount) <= takes_ms <= rule.most_ms(amount)


def test_one_slice_shows_nothing_so_several_are_asked(wire: Any) -> None:
    params = KINDS["slicer"].params.model_validate({"average_size": 100, "delay": "500ms"})
    rule = slicer(FaultPlan("f1", "x", "slicer", "pg", params, 0.0, 10.0), wire, "r")._rule
    assert isinstance(rule, Slowed)
    assert rule.least_ms(rule.amount_bytes) >= 1000


LIMIT = Limited(1_000_000, "downstream")
CAME = WireBefore(20.0, 0.0, bytes=1_001_024)


def test_a_limit_is_surveyed_by_more_than_it_over_one_new_connection(scripted: Any) -> None:
    probe = scripted(took(10))
    assert LIMIT.survey(probe).bytes > 1_000_000
    assert probe.carried[:2] == [("downstream", 1_000_000), ("downstream", 1024)]
    assert probe.renewed


def test_a_probe_of_one_answer_that_stays_below_the_limit_is_refused(scripted: Any) -> None:
    probe = scripted(took(10, carried=159))
    probe.keeps_connection = False
    with pytest.raises(ReachFailed, match=r"a limit of 1 MB can't be proven: .* carries 159 bytes"):
        LIMIT.survey(probe)


def test_a_connection_closed_on_the_way_proves_the_limit(scripted: Any) -> None:
    assert LIMIT.prove(scripted([*took(10), CUT]), CAME).effective is True


@pytest.mark.parametrize("sample", [SILENT, REFUSED])
def test_silence_and_refusal_are_no_limit(scripted: Any, sample: Sample) -> None:
    assert LIMIT.prove(scripted([sample]), CAME).effective is False


def test_what_comes_through_is_no_limit(scripted: Any) -> None:
    effect = LIMIT.prove(scripted(took(10)), CAME)
    assert (effect.effective, effect.measured.text) == (False, "1.00102 MB downstream came through")


def test_an_answer_that_its_connection_ends_is_cut_off_without_an_error(scripted: Any) -> None:
    limit, before = Limited(1000, "downstream"), WireBefore(3.0, 0.0, bytes=4100)
    probe = scripted(took(3, carried=1000))
    probe.keeps_connection = False
    assert limit.prove(probe, before).effective is True
    assert limit.back(probe, before, 1.0)[0] is False
    probe.script = took(3, carried=4100)
    assert limit.prove(probe, before).effective is False
    assert limit.back(probe, before, 1.0)[0] is True
