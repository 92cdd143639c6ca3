from datetime import UTC, datetime

import pytest

from harness.clock import Clock
from harness.journal.record import RequestStats
from harness.load.message import ProcessWindow
from harness.load.window_merge import LATEST_S, WindowMerge

EPOCH_S = 100.0


@pytest.fixture
def merge() -> WindowMerge:
    return WindowMerge(Clock(EPOCH_S, datetime(2026, 1, 1, tzinfo=UTC)))


def window(pid: int, tick: int, requests: int = 1, **fields: float) -> ProcessWindow:
    stats = RequestStats(requests=requests, failures={"http": 1}, histogram={5: requests})
    return ProcessWindow(
        pid=pid,
        tick=tick,
        start=tick / 4,
        end=(tick + 1) / 4,
        names={"GET /a": stats},
        users=10,
        in_flight=2,
        **fields,
    )


def test_one_process_never_waits_and_its_time_becomes_the_runs(merge: WindowMerge) -> None:
    merge.join(1, 404)
    merge.add(window(1, 404))
    (ready,) = merge.due(101.2501)
    assert (ready.start, ready.end) == (1.0, 1.25)
    assert ready.processes == 1


def test_two_processes_come_as_one_window(merge: WindowMerge) -> None:
    merge.join(1, 404)
    merge.join(2, 404)
    merge.add(window(1, 404, oldest_in_flight_s=3.0, lag_ms=1.0, cpu=0.2))
    assert merge.due(101.26) == []
    merge.add(window(2, 404, oldest_in_flight_s=1.0, lag_ms=9.0, cpu=0.1, task_errors=1))
    (ready,) = merge.due(101.27)
    assert ready.names["GET /a"] == RequestStats(requests=2, failures={"http": 2}, histogram={5: 2})
    assert (ready.users, ready.in_flight, ready.processes, ready.task_errors) == (20, 4, 2, 1)
    assert (ready.oldest_in_flight_s, ready.lag_ms, ready.cpu) == (3.0, 9.0, 0.2)


def test_a_late_process_is_waited_for_briefly_and_its_requests_count_later(merge: WindowMerge) -> None:
    merge.join(1, 404)
    merge.join(2, 404)
    merge.add(window(1, 404))
    assert merge.due_at() == pytest.approx(101.25 + LATEST_S)
    (alone,) = merge.due(101.25 + LATEST_S)
    assert alone.processes == 1
    merge.add(window(2, 404, requests=7))
    merge.add(window(1, 405))
    merge.add(window(2, 405))
    (both,) = merge.due(101.51)
    assert both.names["GET /a"].requests == 9
    assert both.users == 20


def test_a_process_that_skipped_a_tick_or_left_or_came_later_holds_nobody_up(merge: WindowMerge) -> None:
    merge.join(1, 404)
    merge.join(2, 404)
    merge.join(3, 410)
    merge.add(window(1, 404))
    merge.add(window(2, 405))
    assert [w.processes for w in merge.due(101.3)] == [1]
    merge.leave(1)
    assert [w.start for w in merge.due(101.51)] == [1.25]


def test_names_are_capped_over_all_processes(merge: WindowMerge) -> None:
    merge.join(1, 404)
    for pid in range(3):
        names = {f"GET /{pid}/{n}": RequestStats(requests=1) for n in range(100)}
        merge.add(ProcessWindow(pid=1, tick=404 + pid, start=101 + pid, end=101.25 + pid, names=names))
    seen = {name for w in merge.due(110.0) for name in w.names}
    assert len(seen) == 201
    assert "(other)" in seen
