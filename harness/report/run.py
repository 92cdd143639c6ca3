"""What the journal says of the run as a whole: what was started, and how it ended so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harness.journal.reader import JournalView
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    HealFailed,
    RunStarted,
    StopDecided,
    Verdict,
    VerdictReached,
)
from harness.report import format as say


@dataclass(frozen=True, slots=True)
class Ending:
    """The verdict and its reason. Without one in the journal `verdict` is what is certain so far, or None: the
    run is still going on or was killed. `exit_code` is None until the verdict is in the journal."""

    verdict: Verdict | None
    reason: str
    exit_code: int | None


def started(view: JournalView) -> RunStarted:
    """The run's first record; a stand-in that says "unknown" where the journal lost it."""
    return view.first(RunStarted) or RunStarted(
        run="unknown",
        version="unknown",
        started_at="",
        runbook="unknown (the journal holds no start of the run)",
        runbook_path="",
        hypothesis="",
        expect="held",
        target="unknown",
        target_path="",
        environment="unknown",
        base_url="",
    )


def utc(run: RunStarted, t_s: float | None) -> datetime | None:
    """The wall time that labels `t_s` seconds since the start; None where the journal doesn't say."""
    if t_s is None:
        return None
    try:
        begun = datetime.fromisoformat(run.started_at)
    except ValueError:
        return None
    return (begun if begun.tzinfo else begun.replace(tzinfo=UTC)).astimezone(UTC) + timedelta(seconds=t_s)


def last_moment_s(view: JournalView) -> float:
    """The time of the last record: how long the run lasted, as far as the journal knows."""
    return max((record.t for record in view.records), default=0.0)


def ending(view: JournalView) -> Ending:
    """The verdict as the journal has it, or what is certain without it."""
    if verdict := view.last(VerdictReached):
        return Ending(verdict.verdict, verdict.reason, verdict.exit_code)
    healed = {record.fault_id for record in view.of(FaultHealed)}
    if left := [record for record in view.of(HealFailed) if record.fault_id not in healed]:
        return Ending("not-healed", f"a fault could not be taken back: {left[-1].reason}", None)
    stop = view.first(StopDecided)
    if stop is not None and stop.source == "error":
        return Ending("error", stop.reason, None)
    if stop is not None:
        untouched = stop.source == "guard-rail" and view.first(FaultInjected) is None
        return Ending("refused" if untouched else "stopped", stop.reason, None)
    if not view.records:
        return Ending(None, "the journal is empty", None)
    last = say.offset(last_moment_s(view))
    return Ending(None, f"the run is still going on or was killed; its last record is of {last}", None)
