"""Hours: days, times and zones, nights, clocks that are changed, and runs that would last too long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runbooks.bounds import DAYS, Hours
from runbooks.guard_rails.hours import WithinHours, until
from runbooks.guard_rails.rail import Objection, Passed


def hours(days: str, begin: str, end: str, zone: str = "UTC") -> Hours:
    first, _, last = days.partition("-")
    minutes = [int(t[:2]) * 60 + int(t[3:]) for t in (begin, end)]
    return Hours(frozenset(range(DAYS.index(first), DAYS.index(last or first) + 1)), minutes[0], minutes[1], zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = hours("mon-fri", "09:00", "17:00", "Africa/Lagos")  # 08:00 to 16:00 UTC


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        ("2026-06-01T07:59:59", False), ("2026-06-01T08:00", True), ("2026-06-01T15:59", True),
        ("2026-06-01T16:00", False), ("2026-06-06T12:00", False), ("2026-06-07T12:00", False),
        ("2026-06-05T12:00", True),
    ],
)  # fmt: skip
def test_days_and_times_of_the_zone_decide(now: str, inside: bool) -> None:
    assert (until((OFFICE,), at(now)) is not None) is inside


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = (hours("fri", "22:00", "06:00"),)
    assert until(night, at("2026-06-05T23:00")) == at("2026-06-06T06:00")
    assert until(night, at("2026-06-06T05:59")) == at("2026-06-06T06:00")
    assert until(night, at("2026-06-05T05:00")) is None
    assert until(night, at("2026-06-06T23:00")) is None


def test_spans_that_meet_are_one_and_gaps_are_not() -> None:
    always = (hours("mon-sun", "00:00", "24:00"),)
    end = until(always, at("2026-06-01T12:00"))
    assert end is not None
    assert end > at("2026-06-08T12:00")
    split = (hours("mon", "13:00", "17:00"), hours("mon", "09:00", "12:00"), hours("mon", "11:00", "12:30"))
    assert until(split, at("2026-06-01T09:30")) == at("2026-06-01T12:30")
    assert until(split, at("2026-06-01T12:45")) is None


@pytest.mark.parametrize(
    ("span", "begin", "end"),
    [
        # Berlin, 2026-03-29: 02:00 becomes 03:00; 2026-10-25: 03:00 becomes 02:00
        (hours("sun", "01:30", "04:00", "Europe/Berlin"), "2026-03-29T00:30", "2026-03-29T02:00"),
        (hours("sun", "02:30", "04:00", "Europe/Berlin"), "2026-03-29T01:30", "2026-03-29T02:00"),
        (hours("sun", "01:00", "02:30", "Europe/Berlin"), "2026-03-29T00:00", "2026-03-29T00:30"),
        (hours("sun", "02:30", "04:00", "Europe/Berlin"), "2026-10-25T01:30", "2026-10-25T03:00"),
        (hours("sun", "01:00", "02:30", "Europe/Berlin"), "2026-10-24T23:00", "2026-10-25T00:30"),
    ],
)
def test_where_the_clocks_are_changed_only_the_safe_part_is_in(span: Hours, begin: str, end: str) -> None:
    first, last = at(begin), at(end)
    assert until((span,), first) == last
    assert until((span,), first.replace(second=0).fromtimestamp(first.timestamp() - 1, UTC)) is None
    assert until((span,), last) is None


def test_outside_the_rail_says_when_to_come_back(moment) -> None:
    said = WithinHours().look(moment(hours=(OFFICE,), now=at("2026-06-06T12:00")))
    assert isinstance(said, Objection)
    assert said.what == "it is Sat 2026-06-06 13:00 Africa/Lagos, outside mon-fri 09:00-17:00 Africa/Lagos"
    assert said.mend == "wait until Mon 2026-06-08 09:00 Africa/Lagos"


def test_a_run_that_would_outlast_the_hours_is_refused_before_it_starts(moment) -> None:
    now = at("2026-06-01T15:59")
    assert isinstance(WithinHours().look(moment(hours=(OFFICE,), now=now, rest_s=60)), Passed)
    said = WithinHours().look(moment(hours=(OFFICE,), now=now, rest_s=61))
    assert isinstance(said, Objection)
    assert "the run takes 1 min 1 s" in said.what
    assert said.mend == "wait until Tue 2026-06-02 09:00 Africa/Lagos"


def test_without_hours_any_time_will_do(moment) -> None:
    assert isinstance(WithinHours().look(moment()), Passed)
