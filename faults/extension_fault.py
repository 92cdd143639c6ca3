"""The fault of a plugin, behind a border: each of its steps has a deadline, and whatever it raises is an error of ours.

A plugin that hangs can't hold up the halt: its step is left behind in its thread. An injection that lands after all is
taken off again when it does.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from faults.extension_undo import ExtensionUndo
from faults.extensions import Extension
from faults.fault import Effect, Fault, FaultPlan, Healed
from faults.foreign_call import foreign_call
from faults.observation import Observation
from harness.clock import Deadline
from harness.errors import GamedayError, NotHealed, ReachFailed

T = TypeVar("T")
PREPARE_S = 10.0
INJECT_S = 15.0
PROVE_S = 10.0
PRESENT_S = 5.0
CLOSE_S = 2.0
_LATE_HEAL_S = 5.0
_SLACK_S = 0.25


class ExtensionFault:
    """Another fault, of which nothing worse than a GamedayError comes out, and that in time."""

    def __init__(self, plan: FaultPlan, fault: Fault, extension: Extension) -> None:
        self.plan = plan
        self._fault = fault
        self._extension = extension
        self._undo: ExtensionUndo | None = None
        self._healing = threading.Event()

    def prepare(self) -> ExtensionUndo:
        undo = self._step("prepare", self._fault.prepare, PREPARE_S)
        if not isinstance(undo, ExtensionUndo) or undo.fault_id != self.plan.id or not undo.command:
            text = "its prepare gives no ExtensionUndo with the plan's fault_id and a command that a person can type"
            raise ReachFailed(f"{self._extension}: {text}", where=self.plan.name)
        own = {"entry_point": self._extension.entry_point, "distribution": self._extension.distribution}
        self._undo = undo.model_copy(update={"kind": self.plan.kind, **own})
        return self._undo

    def inject(self) -> None:
        self._step("inject", self._inject, INJECT_S)

    def prove_wire(self) -> Effect:
        return _an_effect(self._step("prove_wire", self._fault.prove_wire, PROVE_S))

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return _an_effect(self._step("prove_platform", lambda: self._fault.prove_platform(before, during), PROVE_S))

    def present(self) -> bool:
        return bool(self._step("present", self._fault.present, PRESENT_S))

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        self._healing.set()
        try:
            healed = self._step("heal", lambda: self._fault.heal(deadline), deadline.left_s() + _SLACK_S)
        except NotHealed as error:
            raise NotHealed(error.what, where=error.where, mend=error.mend or self._undo.command) from error
        except GamedayError as error:
            text = f"{self.plan.id} could not be taken off: {error.what}"
            raise NotHealed(text, where=error.where, mend=self._undo.command) from error
        if not isinstance(healed, Healed):
            text = f"{self.plan.id}: {self._extension} does not say how it took it off: its heal returns no Healed"
            raise NotHealed(text, where=self.plan.name, mend=self._undo.command)
        return healed

    def measure_healed(self, deadline: Deadline) -> Effect:
        limit_s = deadline.left_s() + _SLACK_S
        return _an_effect(self._step("measure_healed", lambda: self._fault.measure_healed(deadline), limit_s))

    def close(self) -> None:
        with contextlib.suppress(GamedayError):
            self._step("close", self._fault.close, CLOSE_S)

    def _inject(self) -> None:
        """In the step's thread. It may be over long after everybody has gone on."""
        try:
            self._fault.inject()
        finally:
            if self._healing.is_set():
                with contextlib.suppress(Exception):
                    self._fault.heal(Deadline.after(_LATE_HEAL_S))

    def _step(self, name: str, call: Callable[[], T], timeout_s: float) -> T:
        whose = f"{name} of {self._extension}"
        return foreign_call(call, whose=whose, timeout_s=timeout_s, where=self.plan.name)


def _an_effect(effect: object) -> Effect:
    if not isinstance(effect, Effect):
        raise ReachFailed(f"a proof must be an Effect, and is a {type(effect).__name__}")
    return effect
