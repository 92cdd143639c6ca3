"""The history of many runs: broken folders disturb nothing, and a trend is only spoken of where there is one."""

from __future__ import annotations

import json

import pytest

from harness.journal.reader import read
from harness.report import result
from harness.report.history import LevelTrend, book_of, read_run, trends
from harness.report.result import LevelResult


def result_of(write_run, records, name, p95=30.0, users=100):
    folder = write_run(records)
    result.write(folder, result.build(read(folder)))
    named = folder.with_name(name)
    folder.rename(named)
    place = named / "result.json"
    written = json.loads(place.read_text())
    for level in written["service_levels"]:
        if level["name"] == "api" and level["unit"] == "ms":
            level["value"] = p95
    written["load"]["users"] = users
    place.write_text(json.dumps(written))
    return read_run(named)


def test_a_run_is_read_from_its_result(write_run, held_records):
    run = result_of(write_run, held_records, "20261122-142003-slow-database-bcb1")
    assert (run.book, run.verdict, run.users, run.problem) == ("slow-database", "held", 100, "")
    assert {level.phase for level in run.levels} == {"baseline", "faults", "recovery"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "no result yet"),
        (b"", "can't be read"),
        (b'{"schema": 1', "can't be read"),
        (b"[1, 2]", "can't be read"),
        (b"\xff\xfe\x00", "can't be read"),
        (b"[" * 100_000, "can't be read"),
        (b'{"schema": 9, "of": "another program"}', "can't be read"),
    ],
)
def test_a_folder_that_is_no_run_or_half_of_one_is_told_as_such(tmp_path, content, problem):
    if content is not None:
        (tmp_path / "result.json").write_bytes(content)
    assert problem in read_run(tmp_path).problem


def test_trends_are_over_runs_of_one_runbook_with_one_number_of_users(write_run, held_records):
    runs = [result_of(write_run, held_records, f"2026-{n}-a-x", p95=20.0 * n) for n in range(1, 7)]
    runs.append(result_of(write_run, held_records, "2026-7-a-x", p95=5.0, users=500))
    first, other = (t for t in trends(runs, "api") if t.unit == "ms" and t.phase == "baseline")
    assert (first.users, first.trend, first.values) == (100, "up", (20, 40, 60, 80, 100, 120))
    assert (other.users, other.trend) == (500, "too few runs")
    assert first.bars == "▁▂▄▅▇█"


def test_what_lies_within_the_noise_is_no_trend_and_what_is_unknown_is_a_gap(write_run, held_records):
    runs = [result_of(write_run, held_records, f"2026-{n}-a-x", p95=p) for n, p in enumerate([50, 55, 52, 60, 58, 56])]
    found = next(t for t in trends(runs, "api") if t.unit == "ms" and t.phase == "baseline")
    assert found.trend == "no clear trend"
    gap = found.model_copy(update={"values": (1.0, None, 2.0)})
    assert gap.bars == "▁·█"


def test_a_level_that_never_changes_is_a_flat_line():
    level = LevelResult(name="x", phase="baseline", value=1.0, limit=2.0, unit="ms", met=True)
    flat = LevelTrend(book="b", users=1, name="x", phase="baseline", unit="ms", limit=level.limit, runs=("a", "b"),
                      values=(1.0, 1.0), met=(True, True), trend="too few runs")  # fmt: skip
    assert flat.bars == "▁▁"


def test_a_runs_name_tells_its_runbook():
    assert book_of("20261122-142003-drill-bcb1") == "drill"
    assert book_of("20261122-142003-slow-database-bcb1") == "slow-database"
    assert book_of("somebody-elses") == "somebody-elses"
