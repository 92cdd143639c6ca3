"""The proof that connections are reset, and what is no reset."""

from __future__ import annotations

from typing import Any

import pytest

from faults.probe import Sample
from faults.wire import WireBefore
from faults.wire_cut import Reset

BEFORE = WireBefore(median_ms=1.0, noise_ms=0.5)


def cut(after_ms: float) -> Sample:
    return Sample(ok=False, elapsed_ms=after_ms, error="Connection reset by peer")


OK = Sample(ok=True, elapsed_ms=1.0)


@pytest.mark.parametrize(("after_s", "after_ms"), [(0.0, 2.0), (0.2, 203.0), (0.2, 900.0)])
def test_a_new_connection_that_ends_at_its_time_is_proof(scripted: Any, after_s: float, after_ms: float) -> None:
    probe = scripted([cut(after_ms)])
    effect = Reset(after_s).prove(probe, BEFORE)
    assert effect.effective is True
    assert probe.renewed == 1
    assert "Connection reset by peer" in effect.measured.text


@pytest.mark.parametrize(
    "sample",
    [
        OK,
        cut(20.0),
        Sample(ok=False, elapsed_ms=1700.0, error="no answer within 1.7 s", silent=True),
        Sample(ok=False, elapsed_ms=300.0, error="connection refused", refused=True),
    ],
)
def test_an_answer_an_early_end_silence_and_a_refusal_are_not(scripted: Any, sample: Sample) -> None:
    assert Reset(0.2).prove(scripted([sample]), BEFORE).effective is False


def test_a_share_is_found_over_several_new_connections(scripted: Any) -> None:
    probe = scripted([OK, OK, cut(2.0), OK])
    assert Reset(toxicity=0.3).prove(probe, BEFORE).effective is True
    assert probe.renewed == 3


def test_the_wire_is_back_when_a_new_connection_answers(scripted: Any) -> None:
    probe = scripted([cut(2.0), OK])
    assert Reset().back(probe, BEFORE, 1.0) == (False, "Connection reset by peer")
    assert Reset().back(probe, BEFORE, 1.0)[0] is True
    assert probe.renewed == 2
