"""Another machine's clock is compared by the middle between question and answer; what is not certain is no offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness import clock as module
from harness.clock import Clock, Deadline, boot_id
from harness.errors import ReachFailed
from harness.journal.record import ClockOffset
from harness.reach.docker_clock import engine_ahead, engine_offset
from harness.reach.foreign_clock import ForeignTime, compare, host_time

STARTED_AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class SteppedClock:
    """A run's clock that goes on when somebody is asked."""

    def __init__(self, drift_s: float = 0.0) -> None:
        self.started_at = STARTED_AT
        self.t_s = 5.0
        self.drift_s = drift_s

    def now_s(self) -> float:
        return self.t_s

    def utc(self, t_s: float) -> datetime:
        return self.started_at + timedelta(seconds=t_s)

    def wall_drift_s(self) -> float:
        return self.drift_s


def test_the_question_with_the_shortest_way_counts_and_its_half_is_what_is_not_known():
    clock, ways_s = SteppedClock(), [4.0, 0.2, 1.0]

    def ask() -> ForeignTime:
        way_s = ways_s.pop(0)
        clock.t_s += way_s / 2
        said = ForeignTime(clock.utc(clock.t_s).timestamp() + 3.25)
        clock.t_s += way_s / 2
        return said

    offset = compare("app-1", ask, clock)
    assert (offset.source, offset.offset_s, offset.uncertainty_s) == ("app-1", 3.25, 0.1)


def test_a_clock_that_tells_whole_seconds_is_known_to_half_a_second_more():
    clock = SteppedClock()
    offset = compare("app-1", lambda: ForeignTime(int(clock.utc(clock.t_s).timestamp()) + 2, 1.0), clock)
    assert (offset.offset_s, offset.uncertainty_s) == (2.5, 0.5)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1794312000.250000000\n", ForeignTime(1794312000.25)),
        ("Last login: Mon\n1794312000.5\n", ForeignTime(1794312000.5)),
        ("1794312000.N\n", ForeignTime(1794312000.0, 1.0)),  # busybox
        ("1794312000.\n", ForeignTime(1794312000.0, 1.0)),
        ("1794312000.%N\n", ForeignTime(1794312000.0, 1.0)),
    ],
)
def test_what_date_says_is_read_on_full_and_on_small_systems(said, expected):
    assert host_time(said) == expected


def test_a_host_that_says_something_else_is_not_believed():
    with pytest.raises(ReachFailed, match="can't be read"):
        host_time("date: command not found")


@pytest.mark.parametrize(
    ("offset_s", "uncertainty_s", "counts"),
    [(3.0, 0.1, True), (-3.0, 0.1, True), (0.02, 0.001, False), (2.0, 3.0, False)],
)
def test_only_what_is_more_than_the_way_may_explain_counts(offset_s, uncertainty_s, counts):
    offset = ClockOffset(source="app-1", offset_s=offset_s, uncertainty_s=uncertainty_s)
    assert offset.significant_s == (offset_s if counts else 0.0)


class Engine:
    def __init__(self, clock: SteppedClock, ahead_s: float, *, local: bool, tells: bool = True) -> None:
        self.clock, self.ahead_s, self.local, self.tells = clock, ahead_s, local, tells

    def system_time(self, _deadline: Deadline) -> datetime:
        if not self.tells:
            raise ReachFailed("not allowed")
        return self.clock.utc(self.clock.t_s) + timedelta(seconds=self.ahead_s)

    def facts(self, _deadline: Deadline) -> object:
        return type("Facts", (), {"ahead": timedelta(seconds=self.ahead_s)})


@pytest.mark.parametrize("tells", [True, False])
def test_an_engines_clock_is_told_by_the_engine_or_by_its_answers_header(tells):
    clock = SteppedClock()
    offset = engine_offset(Engine(clock, 90.0, local=False, tells=tells), clock, Deadline.after(1))
    assert (offset.source, offset.offset_s) == ("docker", 90.0)
    assert offset.uncertainty_s == (0.0 if tells else 1.0)


def test_an_engine_of_this_machine_goes_with_its_wall_clock_when_somebody_sets_that_back():
    clock = SteppedClock(drift_s=-3600.0)
    assert engine_ahead(None, Engine(clock, 0.0, local=True), clock) == timedelta(hours=-1)
    assert engine_ahead(None, Engine(clock, 0.0, local=False), clock) == timedelta()


def test_a_lease_is_over_by_the_boot_clock_whoever_sets_the_wall_clock(monkeypatch):
    before = module.steady_utc()
    monkeypatch.setattr(module, "utc_now", lambda: datetime.now(tz=UTC) + timedelta(hours=1))
    assert module.steady_utc() - before < timedelta(minutes=1)
    run = Clock(module.boot_s() - 100.0, STARTED_AT)
    with module.labelled_by(run):
        assert abs(module.steady_utc() - STARTED_AT - timedelta(seconds=100)) < timedelta(seconds=30)
    assert module.steady_utc() - before < timedelta(minutes=1)


def test_the_boot_is_named_where_the_system_tells_it():
    there = Path("/proc/sys/kernel/random/boot_id").exists()
    assert bool(boot_id()) == there
    assert boot_id() == boot_id()
