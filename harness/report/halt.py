"""The halt of a run that ended early: what stopped it, and how long it took until load and faults were off."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.journal.reader import JournalView
from harness.journal.record import Breach, LoadStopped, StopDecided, StopSource
from harness.report.fault_account import begun


class Halt(BaseModel):
    """`condition` is the kind of the stop condition, or the source where no condition stopped the run ("person").

    `of` is what the condition looked at, `text` on what evidence. `healed_at`: the last fault that was on is off;
    None while one is not. `load_stopped_at`: no connection of the load is left.
    """

    model_config = ConfigDict(frozen=True)

    condition: str
    source: StopSource
    of: str = ""
    text: str = ""
    breach_at: float | None
    decided_at: float
    healed_at: float | None
    load_stopped_at: float | None

    @property
    def took_s(self) -> float | None:
        """From the breach (or the decision) until the load is stopped and everything is healed."""
        if self.healed_at is None or self.load_stopped_at is None:
            return None
        since = self.decided_at if self.breach_at is None else self.breach_at
        return max(self.healed_at, self.load_stopped_at) - since


def build(view: JournalView) -> Halt | None:
    """The halt of a run; None when nothing stopped it."""
    decided = view.first(StopDecided)
    breach = view.first(Breach)
    if decided is None and breach is None:
        return None
    source: StopSource = decided.source if decided else "condition"
    if source != "condition":
        breach = None
    decided_at = decided.decided_at if decided else breach.breach_at if breach else 0.0
    stopped = view.last(LoadStopped)
    return Halt(
        condition=breach.condition if breach else source,
        source=source,
        of=breach.source if breach else "",
        text=breach.text if breach else decided.reason if decided else "",
        breach_at=breach.breach_at if breach else None,
        decided_at=decided_at,
        healed_at=_healed_at(view, breach.breach_at if breach else decided_at, decided_at),
        load_stopped_at=stopped.at if stopped else None,
    )


def _healed_at(view: JournalView, since_s: float, decided_at: float) -> float | None:
    """When the last fault that was on at the breach came off; the decision itself where none was on."""
    faults = begun(view)
    if not all(fault.healed for fault in faults):
        return None
    ends = [fault.healed_at for fault in faults if fault.healed_at is not None and fault.healed_at >= since_s]
    return max(ends, default=decided_at)
