"""Windows and readings are summed over just the stretch that is asked for."""

from __future__ import annotations

import pytest

from harness.journal.record import Readings, RequestStats, Window
from runbooks.observations import Observations


def window(start, requests, failures=None, **extra):
    stats = RequestStats(requests=requests, failures=failures or {}, histogram={100: requests})
    return Window(t=start + 0.25, start=start, end=start + 0.25, names={"GET /": stats}, **extra)


def test_only_windows_wholly_inside_the_stretch_count():
    seen = Observations()
    for start in (0.0, 0.25, 0.5, 0.75):
        seen.add(window(start, 10))
    assert seen.between(0.25, 0.75).requests == 20
    assert seen.between(0.1, 0.6).requests == 10


def test_failures_histograms_and_task_errors_are_added_up_by_name():
    seen = Observations()
    seen.add(window(0.0, 4, {"http": 1}, task_errors=2, in_flight=4))
    seen.add(window(0.25, 6, {"http": 2, "timeout": 1}, in_flight=8))
    observation = seen.between(0, 1)
    stats = observation.names["GET /"]
    assert (stats.failures, stats.histogram) == ({"http": 3, "timeout": 1}, {100: 10})
    assert observation.error_rate == pytest.approx(0.4)
    assert observation.task_errors == 2
    assert observation.in_flight == 6


def test_sessions_are_the_mean_of_connections_and_clients():
    seen = Observations()
    seen.add(Readings(t=0.1, source="database.main", values={"connections": 4.0, "active": 1.0}))
    seen.add(Readings(t=0.2, source="database.main", values={"connections": 6.0}))
    seen.add(Readings(t=0.3, source="cache.main", values={"clients": 3.0}))
    seen.add(Readings(t=0.3, source="app-1", values={"cpu": 0.5}))
    assert seen.between(0, 1).sessions == {"database.main": 5.0, "cache.main": 3.0}


def test_commands_are_the_mean_of_what_reaches_a_cache_in_a_second():
    seen = Observations()
    seen.add(Readings(t=0.1, source="cache.main", values={"clients": 3.0, "ops_per_s": 40.0}))
    seen.add(Readings(t=0.2, source="cache.main", values={"clients": 3.0, "ops_per_s": 20.0}))
    seen.add(Readings(t=0.3, source="database.main", values={"connections": 4.0}))
    assert seen.between(0, 1).commands == {"cache.main": 30.0}


def test_without_requests_the_error_rate_is_unknown_not_zero():
    assert Observations().between(0, 1).error_rate is None
