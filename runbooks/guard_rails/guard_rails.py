"""All rails of one run, asked at the same time and in bounded time, before it starts and before every injection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from faults.fault import FaultPlan
from harness.clock import Deadline, utc_now
from harness.errors import GamedayError
from harness.reach.in_time import in_time
from runbooks.guard_rails.addresses import InsideAllowList
from runbooks.guard_rails.blast_radius import WithinBlastRadius
from runbooks.guard_rails.hours import WithinHours
from runbooks.guard_rails.lever import Lever, LeverOn
from runbooks.guard_rails.live_keys import NoLiveKeys
from runbooks.guard_rails.production import Production
from runbooks.guard_rails.rail import Moment, Objection, Passed, Rail, Waived
from runbooks.plan import length_s
from runbooks.runbook import Runbook
from runbooks.target import Target

LOOK_S = 5.0
AGAIN_S = 3.0
"""Before an injection: a rail that has not answered by then objects."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rail says. `opt_out` is the option that waives it, as a person would type it."""

    rail: str
    state: Literal["ok", "refused", "waived"]
    detail: str
    opt_out: str
    mend: str = ""


def all_rails(target: Target, lever: Lever) -> tuple[Rail, ...]:
    """The rails of one run, in the order in which people read them."""
    return (Production(), InsideAllowList(target), WithinHours(), LeverOn(lever), WithinBlastRadius(), NoLiveKeys())


OPT_OUTS = tuple(rail.opt_out for rail in (Production, WithinHours, LeverOn, WithinBlastRadius, NoLiveKeys))
"""The options that waive a rail as a whole; addresses are allowed one by one."""


class GuardRails:
    """The rails of one run, with the opt-outs that its person has typed. `rails`: all of them by default; `lever`: the
    one that the environment names."""

    def __init__(
        self,
        runbook: Runbook,
        target: Target,
        opt_outs: Iterable[str],
        *,
        lever: Lever | None = None,
        rails: tuple[Rail, ...] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.lever = lever or Lever.of(os.environ)
        self.opt_outs = frozenset(opt_outs)
        self._runbook = runbook
        self._target = target
        self._rails = rails or all_rails(target, self.lever)
        self._now = now
        self.waived: dict[str, Answer] = {}  # by rail: what was waived so far

    def ask(self, fault: FaultPlan | None = None, timeout_s: float = LOOK_S) -> tuple[Answer, ...]:
        """What each rail says now to the whole run, or to the `fault` that is about to be injected."""
        rest_s = fault.for_s if fault is not None else length_s(self._runbook)
        deadline = Deadline.after(timeout_s)
        moment = Moment(self._runbook, self._target, self._now(), rest_s, deadline, fault)
        pool = ThreadPoolExecutor(len(self._rails), thread_name_prefix="guard-rail")
        try:
            answers = tuple(pool.map(lambda rail: self._asked(rail, moment), self._rails))
        finally:
            pool.shutdown(wait=False)
        for answer in answers:
            if answer.state == "waived":
                self.waived.setdefault(answer.rail, answer)
        return answers

    def _asked(self, rail: Rail, moment: Moment) -> Answer:
        said = _said(rail, moment)
        if isinstance(said, Passed):
            return Answer(rail.name, "ok", said.detail, rail.opt_out)
        if isinstance(said, Waived):
            return Answer(rail.name, "waived", said.what, said.opt_out)
        state: Literal["waived", "refused"] = "waived" if rail.opt_out in self.opt_outs else "refused"
        return Answer(rail.name, state, said.what, rail.opt_out, said.mend)


def _said(rail: Rail, moment: Moment) -> Passed | Objection | Waived:
    """Unknown is not safe: a rail that fails or hangs objects."""
    try:
        left_s = moment.deadline.left_s()
        return in_time(lambda: rail.look(moment), timeout_s=left_s, where=rail.name)
    except GamedayError as error:
        return Objection(f"it can't be known: {error.what}", error.mend)
    except Exception as error:  # noqa: BLE001 - a bug in one rail must not open it
        return Objection(f"it can't be known: {type(error).__name__}: {error}")
