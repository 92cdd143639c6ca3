"""The last half minute of sessions, as evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.clock import Clock
from harness.monitor.session_log import Session, SessionLog

IDLE = Session(
    pid=1,
    application_name="api",
    role="crowdfund",
    state="idle",
    state_age_s=2.0,
    wait_event_type="Client",
    wait_event="ClientRead",
    transaction_age_s=None,
    query_age_s=2.0,
    blocked_by=(),
    query="select ü",
)
BUSY = replace(IDLE, pid=2, state="active", wait_event_type="", wait_event="")
BLOCKED = replace(BUSY, pid=3, wait_event_type="Lock", wait_event="relation", blocked_by=(2,))


class SteppedClock(Clock):
    """A clock that a test moves."""

    now = 0.0

    def now_s(self) -> float:
        return type(self).now


@pytest.fixture
def clock() -> type[SteppedClock]:
    SteppedClock.now = 0.0
    return SteppedClock


def _log(clock: type[SteppedClock]) -> SessionLog:
    return SessionLog(clock(0.0, datetime(2026, 11, 22, 14, 0, tzinfo=UTC)))


def test_blocked_and_busy_sessions_come_first_with_all_that_names_a_blocker(clock: type[SteppedClock]) -> None:
    log = _log(clock)
    clock.now = 52.5
    log.add([IDLE, BUSY, BLOCKED])
    rows = [json.loads(line) for line in log.text().splitlines()]
    assert [row["pid"] for row in rows] == [3, 2, 1]
    assert rows[0]["blocked_by"] == [2]
    assert rows[0]["utc"] == "2026-11-22T14:00:52.500+00:00"
    assert (rows[0]["t"], rows[0]["sessions"]) == (52.5, 3)
    assert rows[2]["query"] == "select ü"


def test_what_is_older_than_half_a_minute_is_dropped(clock: type[SteppedClock]) -> None:
    log = _log(clock)
    for second in range(100):
        clock.now = float(second)
        log.add([IDLE])
    assert [json.loads(line)["t"] for line in log.text().splitlines()] == list(range(69, 100))


def test_an_empty_database_is_a_line_too(clock: type[SteppedClock]) -> None:
    log = _log(clock)
    assert log.text() == ""
    log.add([])
    assert json.loads(log.text())["sessions"] == 0


def test_of_very_many_sessions_the_first_are_kept_and_the_rest_counted(clock: type[SteppedClock]) -> None:
    log = _log(clock)
    log.add([replace(IDLE, pid=pid) for pid in range(1000)])
    rows = [json.loads(line) for line in log.text().splitlines()]
    assert len(rows) == 201
    assert rows[-1]["more"] == 800
