from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.analysis.log_time import LogClock

STARTED = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-22 12:00:45,500 ERROR x",
        "2026-11-22T12:00:45.500Z error",
        "2026-11-22 17:30:45.500 +0530 LOG:  x",
        "2026-11-22 12:00:45.500 UTC [77] FATAL:  x",
        "2026-11-22 17:45:45,500 ERROR a host in Nepal that names no zone",
        "2026-11-22 05:00:45.5 ERROR a host in New York that names no zone",
    ],
)
def test_a_line_is_placed_on_the_runs_time(line):
    assert LogClock(STARTED, 120.0).since_start_s(line) == pytest.approx(45.5)


def test_nginx_writes_whole_seconds():
    access = '10.0.0.1 - - [22/Nov/2026:13:00:45 +0100] "GET / HTTP/1.1" 200 5'
    assert LogClock(STARTED, 120.0).since_start_s(access) == 45.0
    assert LogClock(STARTED, 120.0).since_start_s("2026/11/22 12:00:45 [error] 7#7: upstream") == 45.0


@pytest.mark.parametrize("line", ["no time here", "2026-13-45 99:00:00 broken", "2019-01-01T00:00:00Z long ago"])
def test_what_is_no_time_of_the_run_is_unknown(line):
    assert LogClock(STARTED, 120.0).since_start_s(line) is None
