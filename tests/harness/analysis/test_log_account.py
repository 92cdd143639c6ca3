"""What the collected logs say, before the baseline's end and after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from harness.analysis.log_account import KEPT_KINDS, count_logs
from harness.journal.record import ClockOffset, LogCounted


def counted(run: Any) -> tuple[LogCounted, ...]:
    return tuple(count_logs(run.view(), run.folder))


def access(run: Any, at_s: float, status: int, rt_s: float, *, times: int = 1, path: str = "/api/v1/apps/") -> None:
    at = run_start(run) + timedelta(seconds=at_s)
    stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = f'127.0.0.1 - - [{stamp}] "GET {path} HTTP/1.1" {status} 12 "-" "-" rt={rt_s:.3f} urt={rt_s / 2:.3f}'
    run.line(line, times=times, name="access.log")


def run_start(run: Any) -> Any:
    return datetime.fromisoformat(run.records[0].started_at)


def test_requests_are_counted_by_status_and_time_on_both_sides_of_the_baselines_end(run) -> None:
    run.load(10, 60)
    access(run, 15, 200, 0.010, times=50)
    access(run, 30, 200, 0.400, times=40)
    access(run, 31, 503, 1.000, times=10)
    [log] = counted(run)
    assert log.access_before is not None
    assert log.access_after is not None
    assert log.access_before.statuses == {"2xx": 50}
    assert log.access_before.request_p95_ms == 10
    assert log.access_after.statuses == {"2xx": 40, "5xx": 10}
    assert log.access_after.request_p95_ms == 1000
    assert log.access_after.upstream_p95_ms == 500
    assert log.access_after.failing == {"GET /api/v1/apps/ 503": 10}
    assert (log.before_s, log.after_s) == (25, 35)


def test_failing_paths_that_differ_by_an_id_are_one(run) -> None:
    run.load(10, 60)
    for number in (7, 8, 9):
        access(run, 30, 502, 1.0, path=f"/api/v1/payments/verify/REF-{number}123/")
        access(run, 30, 404, 1.0, path=f"/api/v1/apps/{number}/")
    [log] = counted(run)
    assert log.access_after is not None
    assert log.access_after.failing == {"GET /api/v1/payments/verify/…/ 502": 3, "GET /api/v1/apps/…/ 404": 3}


def test_what_the_baseline_did_not_say_comes_first_with_a_line_to_open(run) -> None:
    run.load(10, 60)
    run.log(12, "cache set failed for key 7", times=100)
    run.log(40, "cache set failed for key 9", times=900)
    run.log(41, "PoolTimeout: couldn't get a connection after 1.00 sec", times=3)
    [log] = counted(run)
    first, second = log.kinds
    assert (first.text, first.new, first.before, first.after) == (
        "crowdfund: PoolTimeout: couldn't get a connection after # sec", True, 0, 3)  # fmt: skip
    assert (second.before, second.after, second.new) == (100, 900, False)
    assert "PoolTimeout" in (run.folder / first.path).read_text().splitlines()[first.line - 1]


def test_errors_that_are_new_come_before_notices_that_are_new(run) -> None:
    run.load(10, 60)
    run.line("2026-11-22 12:00:40,000 INFO crowdfund: a new kind of greeting", times=500)
    run.line("2026-11-22 12:00:41,000 ERROR crowdfund: a payment was lost")
    [log] = counted(run)
    assert [kind.severity for kind in log.kinds] == ["error", "info"]


def test_a_traceback_is_one_line_of_its_kind(run) -> None:
    run.load(10, 60)
    run.log(40, "unhandled error")
    run.line('Traceback (most recent call last):\n  File "a.py", line 3\nValueError: no')
    [log] = counted(run)
    assert [(kind.text, kind.after) for kind in log.kinds] == [("crowdfund: unhandled error", 1)]
    assert log.lines == 4


def test_a_line_without_a_time_counts_as_after_and_is_said_to_be_unplaced(run) -> None:
    run.load(10, 60)
    run.line('{"level": "error", "msg": "no clock here"}')
    [log] = counted(run)
    assert (log.unplaced, log.kinds[0].after) == (1, 1)


def test_a_log_that_never_says_the_same_twice_is_kept_small(run) -> None:
    run.load(10, 60)
    for number in range(3000):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        run.line(f"2026-11-22 12:00:40,000 ERROR crowdfund: {word}")
    [log] = counted(run)
    assert len(log.kinds) == KEPT_KINDS
    assert log.lines == 3000


def test_a_run_without_load_or_evidence_has_nothing_to_count(run) -> None:
    assert counted(run) == ()
    run.log(12, "hello")
    assert counted(run) == ()


def test_lines_of_a_host_whose_clock_is_far_off_are_counted_where_they_happened(run) -> None:
    run.load(10, 60)
    run.records.append(ClockOffset(source="app-1", offset_s=-600.0, uncertainty_s=0.01))
    access(run, 15 - 600, 200, 0.010, times=50)
    access(run, 31 - 600, 503, 1.000, times=10)
    [log] = counted(run)
    assert log.unplaced == 0
    assert log.access_before is not None
    assert log.access_after is not None
    assert (log.access_before.statuses, log.access_after.statuses) == ({"2xx": 50}, {"5xx": 10})
