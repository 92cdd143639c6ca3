"""The terminal's summary of a run that a rail refused in mid-run says of its fault what is true: it did not get in."""

from __future__ import annotations

from pathlib import Path

from harness.journal.plan import PlannedFault
from harness.journal.reader import JournalView
from harness.journal.record import InjectionFailed, RunStarted, StopDecided, VerdictReached
from harness.report.result import build
from runbooks.summary import summary


def test_a_fault_that_was_not_permitted_is_neither_without_effect_nor_healed(tmp_path: Path) -> None:
    started = RunStarted(
        t=0.1, run="r1", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="t", runbook_path="b.yaml",
        hypothesis="h", expect="held", target="t", target_path="t.yaml", environment="practice", base_url="http://x",
        faults=(PlannedFault(id="f1", name="slow", fault_kind="latency"),),
    )  # fmt: skip
    view = JournalView(
        (
            started,
            StopDecided(source="guard-rail", reason="lever", decided_at=3.0),
            InjectionFailed(fault_id="f1", reason="refused by a guard rail"),
            VerdictReached(verdict="refused", reason="lever", exit_code=14),
        )
    )
    said = str(summary(build(view), tmp_path))
    assert "slow: did not get in, nothing of it is left" in said
    assert "NO EFFECT" not in said
