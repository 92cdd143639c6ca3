from __future__ import annotations

import pytest
from first_breach import first_breach

from harness.guard.reading import ReadingLimit
from harness.journal.record import Readings

HOT = ReadingLimit(reading="app-1.cpu", above=0.97, over_s=5.0)


def readings(*values: float | None, source: str = "app-1", name: str = "cpu", step_s: float = 1.0) -> list[Readings]:
    return [
        Readings(t=10 + i * step_s, source=source, values={name: value})
        for i, value in enumerate(values)
        if value is not None
    ]


def test_all_readings_beyond_the_limit_breach():
    breach = first_breach(HOT, readings(*[0.99] * 10))
    assert breach is not None
    assert breach.breach_at == pytest.approx(15.0)
    assert breach.source == "app-1.cpu"
    assert "all 6 readings of 5.0 s" in breach.text


def test_one_reading_within_the_limit_starts_anew():
    assert first_breach(HOT, readings(*[0.99] * 5, 0.5, *[0.99] * 5)) is None


def test_a_gap_is_no_breach():
    assert first_breach(HOT, readings(0.99, 0.99, *[None] * 8, 0.99, 0.99)) is None


def test_one_missing_reading_is_bridged():
    assert first_breach(HOT, readings(0.99, 0.99, None, 0.99, 0.99, 0.99, 0.99)) is not None


def test_a_single_reading_is_never_enough():
    instant = ReadingLimit(reading="app-1.cpu", above=0.97)
    assert first_breach(instant, readings(0.99)) is None
    assert first_breach(instant, readings(0.99, 0.99)) is not None


def test_a_limit_from_below_and_a_dotted_source():
    condition = ReadingLimit(reading="database.main.connections", below=1.0, over_s=2.0)
    assert first_breach(condition, readings(0, 0, 0, source="database.main", name="connections")) is not None
    assert first_breach(condition, readings(0, 0, 0, source="database.other", name="connections")) is None
    assert condition.text == "database.main.connections below 1 over 2 s"


def test_a_source_without_the_value_says_nothing():
    assert first_breach(HOT, readings(*[0.99] * 10, name="memory")) is None


def test_distance_is_unknown_until_read():
    assert HOT.distance(HOT.start()).share is None
    state, _ = HOT.step(HOT.start(), readings(0.485)[0])
    assert HOT.distance(state).share == pytest.approx(0.5)
    state, _ = HOT.step(state, readings(0.98)[0])
    assert HOT.distance(state).share == 1.0
