"""The engine's timestamp places a line in the run, and does not stand in the way of what reads the line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from harness.analysis.engine_stamp import split_stamp
from harness.analysis.logs import Logs
from harness.journal.record import EvidenceFile

STARTED = datetime(2026, 11, 22, 15, tzinfo=UTC)


def test_only_the_engine_s_own_form_is_taken_off() -> None:
    assert split_stamp("2026-11-22T15:00:05.123456789Z GET /") == ("2026-11-22T15:00:05.123456789Z", "GET /")
    assert split_stamp("2026-11-22T15:00:05.123Z GET /") == ("", "2026-11-22T15:00:05.123Z GET /")
    assert split_stamp("GET /") == ("", "GET /")


def test_a_line_of_a_container_is_found_by_its_own_beginning_and_placed_by_the_engine(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(
        "2026-11-22T15:00:05.000000000Z Traceback (most recent call last):\n"
        "2026-11-22T15:00:05.500000000Z FATAL: too many clients\n"
        "2026-11-22T15:00:09.000000000Z FATAL: too many clients\n"
        "2026-11-22T15:00:10.000000000Z [22/Nov/2025:01:00:00 +0000] an odd clock inside\n"
    )
    file = EvidenceFile(path="api.log", source="container.api", what="log")
    logs = Logs(tmp_path, [file], STARTED, 60.0)

    hits = logs.search("^FATAL", 4.0, 8.0)

    assert [(line.number, line.text, line.at_s) for line in hits.lines] == [(2, "FATAL: too many clients", 5.5)]
    assert [line.at_s for line in logs.lines(file)] == [5.0, 5.5, 9.0, 10.0]
