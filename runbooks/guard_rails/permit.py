"""The guard rails while a run goes on: they are asked again before every injection, and the lever is watched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from faults.fault import FaultPlan
from harness.errors import Refused
from harness.journal.record import RailWaived, Record
from runbooks.guard_rails.guard_rails import AGAIN_S, Answer, GuardRails
from runbooks.guard_rails.lever import LeverOn
from runbooks.guard_rails.lever_watch import LeverWatch
from runbooks.inbox import StopAsked


class Permit:
    """Called with the plan of each fault, from any thread; raises Refused, and asks for the end of the run then.

    A context manager from a preflight that let the run pass to the run's end: meanwhile the lever is watched.
    """

    def __init__(
        self, rails: GuardRails, ask_stop: Callable[[StopAsked], object], record: Callable[[Record], object]
    ) -> None:
        self._rails = rails
        self._ask_stop = ask_stop
        self._record = record
        self._told: set[str] = set()
        self._lock = threading.Lock()
        watched = LeverOn.opt_out not in rails.opt_outs
        self._watch: AbstractContextManager[object] = LeverWatch(rails.lever, ask_stop) if watched else nullcontext()

    def __enter__(self) -> Self:
        self.tell_waived()
        self._watch.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._watch.__exit__(kind, value, tb)

    def __call__(self, plan: FaultPlan) -> None:
        answers = self._rails.ask(plan, AGAIN_S)
        self.tell_waived()
        refused = [answer for answer in answers if answer.state == "refused"]
        if refused:
            first = refused[0]
            reason = f"{first.rail}: {first.detail}"
            self._ask_stop(StopAsked("guard-rail", f"a guard rail refused {plan.name}: {reason}"))
            raise Refused(f"refused by a guard rail: {reason}", mend=mend_of(first))

    def tell_waived(self) -> None:
        """Record what was waived, once for each rail."""
        for answer in tuple(self._rails.waived.values()):
            with self._lock:
                new = answer.rail not in self._told
                self._told.add(answer.rail)
            if new:
                self._record(RailWaived(rail=answer.rail, opt_out=answer.opt_out, what=answer.detail))


def mend_of(answer: Answer) -> str:
    """The mend with the opt-out behind it, for a person."""
    if answer.opt_out in answer.mend or not answer.mend:
        return answer.mend or answer.opt_out
    return f"{answer.mend}, or: {answer.opt_out}"
