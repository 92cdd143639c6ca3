"""Calls to a door end by their deadline and leave nothing open."""

from __future__ import annotations

import threading

import pytest

from harness.clock import boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.reach.in_time import in_time


def test_a_result_in_time_is_the_callers() -> None:
    assert in_time(lambda: 42, timeout_s=2, where="here") == 42


def test_an_error_in_time_is_raised_as_it_is() -> None:
    def fails() -> None:
        raise ReachFailed("no", where="there")

    with pytest.raises(ReachFailed) as caught:
        in_time(fails, timeout_s=2, where="here")
    assert caught.value.where == "there"


def test_after_the_deadline_the_call_is_released_and_its_late_result_closed() -> None:
    released, closed, late = threading.Event(), threading.Event(), []

    def slow() -> str:
        released.wait(5)
        return "late"

    def close(result: str) -> None:
        late.append(result)
        closed.set()

    begun = boot_s()
    with pytest.raises(ReachTimeout) as caught:
        in_time(slow, timeout_s=0.1, where="127.0.0.1:1", release=released.set, late=close)
    assert boot_s() - begun < 1.8
    assert str(caught.value) == "127.0.0.1:1: no answer within 0.1 s"
    assert closed.wait(2)
    assert late == ["late"]


def test_the_sentence_of_a_timeout_may_be_the_callers() -> None:
    hang = threading.Event()
    with pytest.raises(ReachTimeout, match=r"^db-1: the command did not end in time$"):
        in_time(hang.wait, timeout_s=0.05, where="db-1", release=hang.set, what="the command did not end in time")


def test_a_result_that_is_handed_over_is_never_closed() -> None:
    late: list[int] = []
    for number in range(100):
        assert in_time(lambda n=number: n, timeout_s=2, where="here", late=late.append) == number  # type: ignore[misc]
    assert late == []
