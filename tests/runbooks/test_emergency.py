"""A step of the emergency procedure that fails is said, and skips no other."""

from __future__ import annotations

import threading

import pytest

from harness.clock import Clock
from harness.evidence.collector import LogCollector
from harness.journal.record import LevelJudged, Note, RunStarted
from harness.journal.writer import Journal
from harness.redaction import Redactor
from runbooks import emergency as emergency_module
from runbooks.emergency import Aftermath, Emergency
from runbooks.recorder import Recorder
from tests.doubles.no_screen import NoScreen


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("no space left"), KeyError("a bug")], ids=repr)
def test_an_analysis_that_fails_costs_neither_the_summary_nor_the_reports(tmp_path, monkeypatch, error):
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(emergency_module, "analyse", broken)
    with Journal(tmp_path / "journal", "conductor", Clock.start()) as journal:
        recorder = Recorder(journal, NoScreen())
        recorder.record(
            RunStarted(
                run="r", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="t", runbook_path="b",
                hypothesis="h", expect="held", target="t", target_path="t", environment="practice", base_url="http://x",
            )
        )  # fmt: skip
        missed = {"value": 900.0, "limit": 200.0, "unit": "ms", "text": "api p95 900 ms, limit 200 ms: not met"}
        recorder.record(LevelJudged(name="api", phase="baseline", met=True, **{**missed, "value": 10.0}))
        recorder.record(LevelJudged(name="api", phase="faults", met=False, **missed))
        aftermath = Aftermath(tmp_path, recorder, Redactor(), LogCollector(()), (), None, threading.Event())
        Emergency(aftermath).carry_out()
    assert any("analyse failed" in note.text for note in recorder.view().of(Note))
    for name in ("result.json", "incident.md", "report.md", "report.html", "evidence/manifest.json"):
        assert (tmp_path / name).exists(), name
