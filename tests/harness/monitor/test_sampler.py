"""The sampler keeps its beat, survives failures and never holds up its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from harness.clock import Clock, Deadline, boot_s, utc_now
from harness.errors import ReachFailed
from harness.journal.record import ClockOffset, CrashSeen, Gap, Readings, Record
from harness.monitor import sampler as module
from harness.monitor.sampler import Sampler
from harness.reach.foreign_clock import ForeignTime


class FakeSource:
    """Reads what `script` says, once for each read; then 1.0 for ever."""

    name = "app-1"

    def __init__(self, *script: Callable[[], dict[str, float]]) -> None:
        self.script = list(script)
        self.read_at: list[float] = []
        self.closed = threading.Event()
        self.threads: set[int] = set()

    def read(self) -> dict[str, float]:
        self.read_at.append(boot_s())
        self.threads.add(threading.get_ident())
        return self.script.pop(0)() if self.script else {"cpu": 1.0}

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed.set()


class Inbox:
    def __init__(self) -> None:
        self.records: list[Record] = []

    def until(self, number: int) -> list[Record]:
        deadline, pause = Deadline.after(5), threading.Event()
        while len(self.records) < number:
            assert not deadline.passed, f"only {len(self.records)} records came"
            pause.wait(0.005)
        return list(self.records)


def _fails() -> dict[str, float]:
    raise ReachFailed("no answer within 2 s", where="10.0.0.1:22")


def _is_wrong() -> dict[str, float]:
    raise KeyError("MemFree")


def _slow(seconds: float) -> Callable[[], dict[str, float]]:
    def read() -> dict[str, float]:
        threading.Event().wait(seconds)
        return {"cpu": 1.0}

    return read


def _play(source: FakeSource, number: int, interval_s: float = 0.02) -> tuple[list[Record], Sampler]:
    inbox = Inbox()
    sampler = Sampler(source, inbox.records.append, Clock.start(), interval_s)
    sampler.start()
    try:
        return inbox.until(number), sampler
    finally:
        assert sampler.stop(2)


def test_readings_carry_their_source_and_their_time_and_the_first_comes_at_once() -> None:
    begun = boot_s()
    [first, second], _ = _play(FakeSource(), 2, interval_s=0.4)
    assert boot_s() - begun < 2
    assert isinstance(first, Readings)
    assert (first.source, first.values) == ("app-1", {"cpu": 1.0})
    assert 0 <= first.t < 0.3
    assert second.t - first.t == pytest.approx(0.4, abs=0.15)


def test_a_slow_read_skips_beats_and_the_next_one_is_on_the_beat_again() -> None:
    source = FakeSource(_slow(0.0), _slow(0.5))
    _play(source, 4, interval_s=0.2)
    beats = [(at - source.read_at[0]) / 0.2 for at in source.read_at[:4]]
    assert beats == pytest.approx([0, 1, 4, 5], abs=0.5)


def test_a_failed_read_is_a_gap_with_its_reason_and_readings_come_back() -> None:
    records, _ = _play(FakeSource(_fails, _fails, _fails), 2)
    gap, reading = records[:2]
    assert isinstance(gap, Gap)
    assert (gap.source, gap.reason) == ("app-1", "10.0.0.1:22: no answer within 2 s")
    assert isinstance(reading, Readings), "one gap at the start of the outage, not one a read"


def test_a_long_outage_is_said_again_and_each_new_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GAP_EVERY_S", 0.1)
    source = FakeSource(*[_fails] * 12, _slow(0), _fails)
    records, _ = _play(source, 6)
    kinds = "".join("g" if isinstance(r, Gap) else "r" for r in records)
    outage, _, rest = kinds.partition("r")
    assert 2 <= len(outage) <= 4
    assert rest.startswith("g")


def test_a_bug_in_a_source_is_a_gap_and_not_the_end() -> None:
    records, _ = _play(FakeSource(_is_wrong), 2)
    assert isinstance(records[0], Gap)
    assert "KeyError" in records[0].reason
    assert isinstance(records[1], Readings)


def test_the_source_belongs_to_one_thread_and_is_closed_by_it() -> None:
    source = FakeSource()
    _play(source, 2)
    assert source.closed.is_set()
    assert len(source.threads) == 1


def test_stop_does_not_wait_for_a_hanging_read_and_nothing_comes_after_it() -> None:
    go_on = threading.Event()

    def hang() -> dict[str, float]:
        go_on.wait(5)
        return {"cpu": 1.0}

    source, inbox = FakeSource(hang), Inbox()
    sampler = Sampler(source, inbox.records.append, Clock.start())
    sampler.start()
    begun = boot_s()
    assert not sampler.stop(0.1)
    assert boot_s() - begun < 1.8
    go_on.set()
    assert source.closed.wait(2), "the thread closes the source when its read ends"
    assert inbox.records == []
    assert sampler.stop(2)


def test_stop_before_start_is_no_error() -> None:
    assert Sampler(FakeSource(), print, Clock.start()).stop(0.1)


class CrashingSource(FakeSource):
    """Tells one crash after its first read."""

    def __init__(self) -> None:
        super().__init__()
        self._untold = [CrashSeen(source="app-1.web", what="exited", text="web exited with 139", exit_code=139)]

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        told, self._untold = tuple(self._untold), []
        return told


def test_a_crash_that_a_source_tells_follows_the_reading_it_was_seen_with_and_comes_once() -> None:
    records, _ = _play(CrashingSource(), 4)
    assert isinstance(records[0], Readings)
    assert [r.text for r in records if isinstance(r, CrashSeen)] == ["web exited with 139"]
    assert isinstance(records[1], CrashSeen)
    assert records[1].t >= records[0].t


class SourceWithParts(FakeSource):
    """A host that tells of a process on it."""

    def parts(self) -> dict[str, dict[str, float]]:
        return {"app-1.web": {"threads": float(len(self.read_at))}}


def test_the_parts_of_a_source_have_readings_of_their_own() -> None:
    records, _ = _play(SourceWithParts(), 4)
    seen = [r for r in records if isinstance(r, Readings)]
    assert [r.source for r in seen[:4]] == ["app-1", "app-1.web"] * 2
    assert [r.values for r in seen[1:4:2]] == [{"threads": 1.0}, {"threads": 2.0}]


class ClockedSource(FakeSource):
    """A source on another machine; its clock is an hour ahead, once it answers."""

    def __init__(self, failing: int) -> None:
        super().__init__()
        self.failing, self.asked = failing, 0

    def time(self) -> ForeignTime:
        self.asked += 1
        if self.asked <= self.failing:
            raise ValueError("no time")
        return ForeignTime(utc_now().timestamp() + 3600)


@pytest.mark.parametrize("failing", [0, 2])
def test_a_sources_clock_is_compared_once_beside_its_first_readings(failing: int) -> None:
    source = ClockedSource(failing)
    records, _ = _play(source, 8)
    [offset] = [r for r in records if isinstance(r, ClockOffset)]
    assert offset.source == "app-1"
    assert offset.offset_s == pytest.approx(3600, abs=30)
    assert isinstance(records[0], Readings)


def test_a_clock_that_can_not_be_read_costs_no_reading() -> None:
    source = ClockedSource(failing=100)
    records, _ = _play(source, 8)
    assert all(isinstance(r, Readings) for r in records)
    assert source.asked == 3
