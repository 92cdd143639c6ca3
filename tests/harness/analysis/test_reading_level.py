from __future__ import annotations

import pytest

from harness.analysis.reading_level import judge_reading, missing_share
from harness.analysis.service_level import ReadingLevel
from harness.journal.record import Readings


def cpu(source, values, start_s=1.0):
    return [Readings(t=start_s + i, source=source, values={"cpu": v}) for i, v in enumerate(values)]


def judged(level, readings, span_s=None):
    (record,) = judge_reading(level, readings, "faults", span_s)
    return record


@pytest.mark.parametrize(("by", "value"), [("mean", 0.5), ("peak", 0.9), ("end", 0.4)])
def test_a_reading_is_judged_by_its_mean_its_peak_or_its_end(by, value):
    level = ReadingLevel("cpu", "app-1.cpu", max=0.8, by=by)
    record = judged(level, cpu("app-1", [0.2, 0.9, 0.4]))
    assert record.value == pytest.approx(value)
    assert record.met is (value <= 0.8)


def test_the_peak_of_a_floor_is_the_lowest_reading():
    assert judged(ReadingLevel("cpu", "app-1.cpu", min=0.3, by="peak"), cpu("app-1", [0.9, 0.2])).met is False


def test_of_several_sources_the_worst_one_counts_and_is_named():
    record = judged(ReadingLevel("cpu", "*.cpu", max=0.8), cpu("app-1", [0.2]) + cpu("app-2", [0.9]))
    assert (record.met, record.value) == (False, 0.9)
    assert "worst app-2" in record.text


def test_a_source_that_should_be_there_and_is_not_makes_the_level_unknown():
    level = ReadingLevel("cpu", "*.cpu", max=0.8, sources=("app-1", "app-2"))
    assert judged(level, cpu("app-1", [0.2])).met is None
    assert judged(level, cpu("app-1", [0.9])).met is False
    assert judged(level, []).met is None


def test_a_glob_takes_dots_and_brackets_literally():
    level = ReadingLevel("cpu", "app-[1].cpu", max=0.8)
    assert judged(level, cpu("app-1", [0.1])).met is None


def test_readings_that_are_missing_for_much_of_a_phase_are_no_proof_that_a_limit_was_kept():
    level = ReadingLevel("cpu", "app-1.cpu", max=0.8)
    gone = judged(level, cpu("app-1", [0.2] * 5), (0.0, 20.0))
    assert gone.met is None
    assert "readings are missing" in gone.text
    assert judged(level, cpu("app-1", [0.2] * 19), (0.0, 20.0)).met is True
    assert judged(level, cpu("app-1", [0.9] * 5), (0.0, 20.0)).met is False


def test_a_slow_host_that_answers_every_three_seconds_is_heard():
    assert missing_share([3.0, 6.0, 9.0], (0.0, 12.0)) == 0.0
    assert missing_share([], (0.0, 10.0)) == pytest.approx(0.65)
