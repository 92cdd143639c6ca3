from __future__ import annotations

import pytest

from harness.journal.share import interval_90, percent


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.2130), (5, 10, 0.2693, 0.7307), (10, 10, 0.7870, 1.0), (10, 1000, 0.0060, 0.0167)],
)
def test_the_interval_is_wilsons(part, whole, low, high):
    assert interval_90(part, whole) == pytest.approx((low, high), abs=1e-4)


def test_nothing_counted_leaves_everything_possible():
    assert interval_90(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("share", "text"), [(0.01, "1%"), (0.01234, "1.23%"), (1.0, "100%"), (0.0, "0%")])
def test_a_share_is_said_in_percent(share, text):
    assert percent(share) == text
