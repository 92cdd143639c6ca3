from harness.journal.histogram import bucket_of
from harness.load.tally import Tally


def test_a_request_counts_in_the_tick_it_completed_in() -> None:
    tally = Tally()
    tally.request(10.10, "GET /a", None, 5.0)
    tally.request(10.30, "GET /a", "timeout", 50.0)
    tally.task_error(10.30)
    ticks = tally.take(40, 41)
    assert ticks[40].names == {"GET /a": {"requests": 1, "failures": {}, "histogram": {bucket_of(5.0): 1}}}
    assert ticks[41].names["GET /a"]["failures"] == {"timeout": 1}
    assert (ticks[40].task_errors, ticks[41].task_errors) == (0, 1)


def test_what_belongs_to_a_tick_that_still_runs_waits_for_it() -> None:
    tally = Tally()
    tally.request(10.30, "GET /a", None, 5.0)
    assert tally.take(40, 40)[40].names == {}
    assert tally.take(41, 41)[41].names["GET /a"]["requests"] == 1


def test_what_came_too_late_for_its_tick_is_not_lost() -> None:
    tally = Tally()
    tally.take(40, 40)
    tally.request(10.24, "GET /a", None, 5.0)
    tally.request(10.26, "GET /a", "http", 7.0)
    tally.request(20.0, "GET /a", "http", 7.0)
    tally.take(41, 40)
    ticks = tally.take(79, 80)
    assert ticks[79].names["GET /a"]["requests"] == 2
    assert ticks[79].names["GET /a"]["failures"] == {"http": 1}
    assert ticks[80].names["GET /a"]["requests"] == 1


def test_a_request_without_a_response_time_counts_without_a_latency() -> None:
    tally = Tally()
    tally.request(10.0, "GET /a", None, None)
    assert tally.take(40, 40)[40].names["GET /a"] == {"requests": 1, "failures": {}, "histogram": {}}
