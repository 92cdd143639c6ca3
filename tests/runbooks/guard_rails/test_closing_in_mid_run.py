"""A rail that closes while a run goes on: how it ends in the verdict and the reports."""

from __future__ import annotations

import pytest

from harness.journal.plan import PlannedFault
from harness.journal.reader import JournalView
from harness.journal.record import FaultHealed, FaultInjected, InjectionFailed, RunStarted, StopDecided
from harness.report.incident import opened
from harness.report.run import ending
from harness.report.telling import tell
from runbooks.verdict import reach_verdict

STOP = StopDecided(source="guard-rail", reason="the lever is off: incident", decided_at=3.0)
INJECTED = FaultInjected(fault_id="f1", name="slow", fault_kind="latency")
REFUSED = InjectionFailed(fault_id="f1", reason="refused by a guard rail: hours: too late")
HEALED = FaultHealed(fault_id="f1", by="conductor", verified=True)


def started(expect: str = "held") -> RunStarted:
    return RunStarted(
        run="r", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="title", runbook_path="r.yaml",
        hypothesis="h", expect=expect, target="t", target_path="t.yaml", environment="practice", base_url="http://x",
        faults=(PlannedFault(id="f1", name="slow", fault_kind="latency"),),
    )  # fmt: skip


@pytest.mark.parametrize("expect", ["held", "stopped", "deviated"])
@pytest.mark.parametrize(
    ("records", "verdict"),
    [((STOP,), "refused"), ((STOP, REFUSED), "refused"), ((INJECTED, STOP, HEALED), "stopped")],
)
def test_before_the_first_fault_it_is_refused_and_after_it_stopped_and_14_in_any_case(records, verdict, expect) -> None:
    reached = reach_verdict((started(expect), *records), recover_within_s=10.0)
    assert (reached.verdict, reached.exit_code) == (verdict, 14)
    assert reached.reason == STOP.reason


def test_a_fault_that_does_not_come_off_is_graver() -> None:
    off = FaultHealed(fault_id="f1", by="conductor", verified=False, measured_after="52 ms")
    reached = reach_verdict((started(), INJECTED, STOP, off), recover_within_s=10.0)
    assert (reached.verdict, reached.exit_code) == ("not-healed", 13)


def test_it_opens_no_incident_and_is_told_as_what_it_is() -> None:
    view = JournalView((started(), STOP))
    assert not opened(view)
    assert ending(view).verdict == "refused"
    told = tell(STOP, {})
    assert told is not None
    assert told.text == "Halt decided by a guard rail: the lever is off: incident"
