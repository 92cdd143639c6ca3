from __future__ import annotations

import pytest

from harness.analysis.recovery import time_to_recover_s
from harness.analysis.service_level import ReadingLevel, RequestLevel
from harness.journal.histogram import bucket_of
from harness.journal.record import Readings, RequestStats, Window

API = RequestLevel(name="api", requests="*", p95_ms=200.0, error_rate=0.01)
HEALED_S = 30.0


def windows(*stretches):
    """(seconds, requests, failed, latency_ms) one after the other, after the healing."""
    made, now = [], HEALED_S
    for seconds, requests, failed, latency_ms in stretches:
        for _ in range(round(seconds * 4)):
            stats = RequestStats(
                requests=requests,
                failures={"http": failed} if failed else {},
                histogram={bucket_of(latency_ms): requests} if requests else {},
            )
            made.append(Window(start=now, end=now + 0.25, names={"GET /": stats}, users=100, in_flight=5))
            now += 0.25
    return made


def recovered(made, levels=(API,), readings=()):
    return time_to_recover_s(list(levels), made, list(readings), HEALED_S, made[-1].end if made else HEALED_S + 20)


def test_a_platform_that_is_well_at_once_needs_no_time():
    assert recovered(windows((20, 12, 0, 50))) == 0.0


def test_errors_after_the_healing_are_counted_until_the_last():
    assert recovered(windows((3, 12, 12, 50), (17, 12, 0, 50))) == pytest.approx(3.0, abs=0.3)


def test_slowness_after_the_healing_is_counted():
    assert recovered(windows((5, 12, 0, 900), (15, 12, 0, 50))) == pytest.approx(5.0, abs=0.3)


def test_a_relapse_starts_it_anew():
    assert recovered(windows((3, 12, 12, 50), (5, 12, 0, 50), (2, 12, 12, 50), (10, 12, 0, 50))) == pytest.approx(
        10.0, abs=0.3
    )


def test_one_stray_error_is_no_relapse():
    made = windows((2, 12, 12, 50), (8, 12, 0, 50), (0.25, 12, 1, 50), (9.75, 12, 0, 50))
    assert recovered(made) == pytest.approx(2.0, abs=0.3)


def test_a_steady_miss_too_small_for_a_slice_is_seen_over_the_whole():
    assert recovered(windows(*[(1, 12, 0, 50), (0.25, 12, 1, 50)] * 15)) is None


def test_bad_until_the_end_is_no_recovery():
    assert recovered(windows((20, 12, 6, 50))) is None
    assert recovered(windows((18, 12, 0, 50), (2, 12, 12, 50))) is None


def test_silence_with_requests_in_flight_is_no_recovery():
    assert recovered(windows((20, 0, 0, 50))) is None
    assert recovered(windows((10, 0, 0, 50), (10, 12, 0, 50))) == pytest.approx(10.0, abs=2.1)


def test_a_last_window_without_a_completion_does_not_spoil_it():
    assert recovered(windows((10, 12, 0, 50), (0.25, 0, 0, 50))) == 0.0


def test_no_windows_are_no_recovery():
    assert recovered([]) is None


def test_a_reading_must_come_back_too():
    level = ReadingLevel(name="cpu", reading="app-1.cpu", max=0.5)
    cpu = [Readings(t=HEALED_S + i, source="app-1", values={"cpu": 1.0 if i < 6 else 0.1}) for i in range(20)]
    took = recovered(windows((20, 12, 0, 50)), (API, level), cpu)
    assert took == 0.0  # 0.37 on average over the whole
    hot = [r.model_copy(update={"values": {"cpu": 0.9}}) for r in cpu]
    assert recovered(windows((20, 12, 0, 50)), (API, level), hot) is None


def test_windows_before_the_healing_do_not_count():
    bad_before = [w.model_copy(update={"start": w.start - 30, "end": w.end - 30}) for w in windows((20, 12, 12, 50))]
    good = windows((20, 12, 0, 50))
    assert time_to_recover_s([API], bad_before + good, [], HEALED_S, good[-1].end) == 0.0
