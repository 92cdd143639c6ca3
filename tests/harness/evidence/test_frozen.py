"""The last seconds before a breach, as tables."""

from __future__ import annotations

import csv
from pathlib import Path

from harness.evidence.bundle import Bundle
from harness.evidence.frozen import READINGS_HEADER, WINDOWS_HEADER, freeze
from harness.journal.histogram import bucket_of
from harness.journal.record import Gap, Readings, RequestStats, Window
from harness.redaction import Redactor


def tables(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    read = [
        list(csv.reader((folder / f"evidence/{name}.csv").read_text().splitlines())) for name in ("readings", "windows")
    ]
    return read[0], read[1]


def test_only_the_seconds_before_the_breach_are_kept_in_the_order_of_time(tmp_path: Path) -> None:
    records = [Readings(t=t, source="app-1", values={"memory": 0.5, "cpu": t / 100}) for t in (69.9, 100.1, 95.0, 70.0)]
    bundle = Bundle(tmp_path, Redactor())
    freeze(bundle, [*records, Gap(t=80, source="app-1", reason="x")], until_s=100, seconds=30)
    readings, windows = tables(tmp_path)
    assert readings == [
        list(READINGS_HEADER),
        ["70.000", "app-1", "cpu", "0.7"],
        ["70.000", "app-1", "memory", "0.5"],
        ["95.000", "app-1", "cpu", "0.95"],
        ["95.000", "app-1", "memory", "0.5"],
    ]
    assert windows == [list(WINDOWS_HEADER)]
    assert {f.path for f in bundle.finish().files} == {"evidence/readings.csv", "evidence/windows.csv"}


def test_a_window_has_a_row_per_request_and_one_when_nothing_ended(tmp_path: Path) -> None:
    stats = RequestStats(
        requests=4, failures={"http": 1, "timeout": 2}, histogram={bucket_of(100): 3, bucket_of(900): 1}
    )
    records = [
        Window(t=1.3, start=1.0, end=1.25, names={"GET /a, b": stats}, users=100, in_flight=7),
        Window(t=1.5, start=1.25, end=1.5, users=100, in_flight=100),
    ]
    freeze(Bundle(tmp_path, Redactor()), records, until_s=2)
    _, windows = tables(tmp_path)
    first, second = windows[1:]
    assert first[:7] == ["1.250", "GET /a, b", "4", "1", "2", "0", "0"]
    assert abs(float(first[7]) - 100) < 1
    assert abs(float(first[8]) - 900) < 5
    assert first[9:] == ["7", "100"]
    assert second == ["1.500", "", "0", "0", "0", "0", "0", "", "", "100", "100"]
