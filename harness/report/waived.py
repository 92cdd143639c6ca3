"""The guard rails that objected to a run, and that its person had waived."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.journal.reader import JournalView
from harness.journal.record import RailWaived


class WaivedRail(BaseModel):
    """`what` spoke against the run; `opt_out` is the option that waived it."""

    model_config = ConfigDict(frozen=True)

    rail: str
    opt_out: str
    what: str

    @property
    def text(self) -> str:
        return f"{self.rail}, by {self.opt_out}: {self.what}"


def waived(view: JournalView) -> tuple[WaivedRail, ...]:
    """Each rail once, in the order in which they were waived."""
    found = {r.rail: WaivedRail(rail=r.rail, opt_out=r.opt_out, what=r.what) for r in reversed(view.of(RailWaived))}
    return tuple(reversed(found.values()))
