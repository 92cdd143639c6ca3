"""Clocks that are not as the run's are told where they could mislead, and only there."""

from __future__ import annotations

import pytest

from harness.journal.record import ClockOffset
from harness.report.telling import tell


def offset(offset_s: float, uncertainty_s: float = 0.01) -> ClockOffset:
    return ClockOffset(source="app-1", offset_s=offset_s, uncertainty_s=uncertainty_s)


@pytest.mark.parametrize(("offset_s", "uncertainty_s"), [(0.3, 0.01), (-0.4, 0.01), (1.2, 1.0)])
def test_a_clock_that_is_nearly_right_or_hardly_known_is_not_told(offset_s, uncertainty_s):
    assert tell(offset(offset_s, uncertainty_s), {}) is None


def test_a_clock_that_is_off_is_told_and_one_that_is_far_off_is_a_warning():
    told = tell(offset(-0.75), {})
    assert told is not None
    assert told.level == "info"
    assert told.text == (
        "The clock of app-1 is 0.75 s behind this machine's (known to 0.01 s): its times are shifted by that"
    )
    far = tell(offset(120.0), {})
    assert far is not None
    assert far.level == "warning"
    assert far.text.endswith("set it right (NTP)")
