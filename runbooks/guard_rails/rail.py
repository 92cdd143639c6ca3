"""What a guard rail is: it looks at what is to be played, now, and objects or lets it pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from faults.fault import FaultPlan
from harness.clock import Deadline
from runbooks.runbook import Runbook
from runbooks.target import Target


@dataclass(frozen=True, slots=True)
class Moment:
    """What is looked at. `now` has a time zone; `rest_s`: how long what begins now takes (the whole run, or the `fault`
    that is about to be injected). A rail that asks somebody else does so by the `deadline`."""

    runbook: Runbook
    target: Target
    now: datetime
    rest_s: float
    deadline: Deadline
    fault: FaultPlan | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """Nothing against it; `detail` says what was looked at."""

    detail: str


@dataclass(frozen=True, slots=True)
class Objection:
    """`what` speaks against it, and what a person does about it; the opt-out is the rail's own."""

    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Waived:
    """An objection that the person who started the run has waived already, with the option as it was typed."""

    what: str
    opt_out: str


class Rail(Protocol):
    """One rail of one run. `opt_out` is the option that waives it."""

    name: str
    opt_out: str

    def look(self, moment: Moment) -> Passed | Objection | Waived:
        """Reads only. What it can't find out is an objection. Raises nothing but GamedayError."""
