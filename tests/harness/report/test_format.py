from __future__ import annotations

import pytest

from harness.report import format as say


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.0, "0 ms"), (0.423, "0.423 ms"), (31.24, "31.2 ms"), (187.3, "187 ms"), (2350.0, "2.35 s")],
)
def test_latencies_are_said_with_the_unit_that_fits(value: float | None, text: str) -> None:
    assert say.milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 s"), (0.31, "310 ms"), (12.34, "12.3 s"), (60.0, "1 min"), (135.2, "2 min 15 s"), (3600.0, "1 h")],
)
def test_durations_are_said_as_a_person_would(value: float, text: str) -> None:
    assert say.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.0004, "0.04%"),
        (0.01, "1%"),
        (0.0123, "1.23%"),
        (0.9, "90%"),
        (0.9999, "99.9%"),
        (1.0, "100%"),
    ],
)
def test_a_rate_is_never_rounded_to_all_or_nothing(value: float, text: str) -> None:
    assert say.percent(value) == text


def test_a_quantity_follows_the_unit_of_the_journal() -> None:
    said = [
        say.quantity(value, unit) for value, unit in ((200, "ms"), (0.01, "fraction"), (0, "count"), (0.41, "value"))
    ]
    assert said == ["200 ms", "1%", "0", "0.41"]


def test_fault_parameters_say_their_units() -> None:
    assert say.parameters({"latency_ms": 50.0, "for_s": 20.0, "jitter": 0.01, "stream": "up", "all": True}) == (
        "latency 50 ms, for 20 s, jitter 10 ms, stream up, all true"
    )
    assert say.parameters({"rate_bytes_per_s": 64_000, "average_size_bytes": 500, "bytes": 1_500_000}) == (
        "rate 64 KB/s, average size 500 B, bytes 1.5 MB"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("error_rate of all", "error_rate of all."), ("all is well", "All is well."), ("Why?", "Why?"), ("", "")],
)
def test_a_sentence_begins_with_a_capital_unless_with_a_name(text: str, sentence: str) -> None:
    assert say.sentence(text) == sentence


def test_long_and_many_lined_text_becomes_one_short_line() -> None:
    said = say.one_line("Traceback:\n  boom\n" + "x" * 1000, longest=40)
    assert said.startswith("Traceback: boom xxx")
    assert len(said) == 40
