from __future__ import annotations

from decimal import Decimal

import pytest

from harness.analysis.invariant import Answer
from harness.analysis.judge import judge
from harness.analysis.service_level import QueryLevel, ReadingLevel, RequestLevel
from harness.journal.histogram import bucket_of
from harness.journal.record import Readings, RequestStats, Window

API = RequestLevel(name="api", requests="* /api/v1/*", p95_ms=200.0, error_rate=0.01)


def window(latencies_ms=(), failed=0, *, name="GET /api/v1/apps/", task_errors=0, in_flight=0, oldest_s=0.0):
    histogram: dict[int, int] = {}
    for ms in latencies_ms:
        histogram[bucket_of(ms)] = histogram.get(bucket_of(ms), 0) + 1
    stats = RequestStats(requests=len(latencies_ms), failures={"http": failed} if failed else {}, histogram=histogram)
    return Window(
        start=0,
        end=0.25,
        names={name: stats},
        task_errors=task_errors,
        in_flight=in_flight,
        oldest_in_flight_s=oldest_s,
    )


def judged(level, windows=(), readings=(), answers=None):
    return judge([level], list(windows), list(readings), "faults", answers or {})


def test_one_record_for_each_limit_that_is_set():
    p95, errors = judged(API, [window([100] * 50, 0)])
    assert (p95.unit, p95.limit, p95.met) == ("ms", 200.0, True)
    assert (errors.unit, errors.limit, errors.met, errors.value) == ("fraction", 0.01, True, 0.0)
    for record in (p95, errors):
        assert record.p95_ms == pytest.approx(100, rel=0.005)
        assert record.error_rate == 0.0
        assert record.requests == 50
        assert (record.name, record.phase) == ("api", "faults")


def test_the_percentile_is_that_of_the_phase_not_of_its_windows():
    calm, bad = [window([50] * 40) for _ in range(19)], [window([900] * 20)]
    assert judged(API, calm + bad)[0].met is True
    assert judged(API, calm + bad * 3)[0].met is False


def test_exactly_at_the_limit_is_met():
    assert judged(API, [window([100] * 100, 1)])[1].met is True
    assert judged(API, [window([100] * 99, 1)])[1].met is False


def test_no_samples_are_unknown():
    p95, errors = judged(API, [window(name="GET /")])
    assert (p95.met, p95.value, errors.met, errors.value) == (None, None, None, None)
    assert "unknown" in p95.text


def test_few_samples_are_unknown_unless_they_miss_clearly():
    assert [j.met for j in judged(API, [window([100] * 10)])] == [None, None]
    assert [j.met for j in judged(API, [window([900] * 10, 10)])] == [False, False]


def test_a_percentile_is_no_proof_while_many_requests_hang():
    hanging = window([50] * 100, in_flight=40, oldest_s=12.0)
    p95, errors = judged(API, [hanging])
    assert p95.met is None
    assert "the oldest for 12.0 s" in p95.text
    assert errors.met is True
    assert judged(API, [window([50] * 100, in_flight=2, oldest_s=12.0)])[0].met is True


def test_task_errors_count_where_the_level_is_about_everything():
    everything = RequestLevel(name="all", requests="*", error_rate=0.01)
    assert judged(everything, [window([50] * 100, task_errors=50)])[0].met is False
    assert judged(API, [window([50] * 100, task_errors=50)])[1].met is True


def test_brackets_in_request_names_are_literal():
    level = RequestLevel(name="app", requests="GET /api/v1/apps/[id]/", p95_ms=100.0)
    assert judged(level, [window([50] * 30, name="GET /api/v1/apps/[id]/")])[0].met is True


def test_mean_median_and_maximum_have_their_limits():
    level = RequestLevel(name="page", requests="*", p50_ms=60.0, mean_ms=60.0, max_ms=500.0, p99_ms=60.0)
    records = judged(level, [window([50] * 95 + [900] * 5)])
    assert {j.text.split()[1]: j.met for j in records} == {"p50": True, "p99": False, "mean": False, "max": False}


def test_a_reading_is_judged_by_its_mean():
    level = ReadingLevel(name="cpu", reading="app-1.cpu", max=0.9)
    readings = [Readings(t=t, source="app-1", values={"cpu": v}) for t, v in enumerate((0.7, 1.0))]
    (record,) = judged(level, readings=readings)
    assert (record.met, record.value, record.unit) == (True, pytest.approx(0.85), "value")
    assert judged(level, readings=readings[1:])[0].met is False
    assert judged(level)[0].met is None


def test_a_reading_can_have_a_floor():
    level = ReadingLevel(name="hits", reading="cache.main.hits_per_s", min=10.0)
    readings = [Readings(t=1, source="cache.main", values={"hits_per_s": 3.0})]
    assert judged(level, readings=readings)[0].met is False


@pytest.mark.parametrize(
    ("answer", "equals", "met"),
    [
        (0, 0, True),
        (Decimal(0), 0, True),
        (2, 0, False),
        ("ok", "ok", True),
        ("no", "ok", False),
        (None, 0, False),
        (True, True, True),
        (None, None, True),
    ],
)
def test_a_query_is_judged_by_its_answer(answer, equals, met):
    level = QueryLevel(name="no double charge", database="main", sql="select 0", equals=equals)
    (record,) = judged(level, answers={"no double charge": Answer(answer)})
    assert record.met is met


def test_a_query_without_an_answer_is_unknown():
    level = QueryLevel(name="no double charge", database="main", sql="select 0", equals=0)
    (record,) = judged(level)
    assert (record.met, record.value, record.limit) == (None, None, 0.0)
