"""Flap: the proxy's listener is closed and opened again, period after period.

Not a toxic: what healing puts back is `enabled`, by an undo record that needs no schedule. So a conductor that is
killed leaves the listener as it was at that moment, and the healer opens it.
"""

from __future__ import annotations

import threading
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.probe import TcpProbe
from faults.quantity import Fraction, Seconds, say_seconds
from faults.toxics.down import DownFault
from faults.wire_proxy import WireProxy
from harness.clock import Deadline, boot_s
from harness.errors import GamedayError, ReachFailed

SHORTEST_PART_S = 0.25
LONGEST_PERIOD_S = 120.0
_CALL_S = 1.0
_IN_FLIGHT_S = 1.2
_JOIN_S = 2.0
_LOOKS = 5
_LONGEST_LOOK_S = 0.2


class FlapParams(BaseModel):
    """`period` in seconds; of each, the first part is `down` (a share), or `down_for` (seconds)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    period: Annotated[Seconds, Field(ge=2 * SHORTEST_PART_S, le=LONGEST_PERIOD_S)]
    down: Annotated[Fraction, Field(gt=0)] | None = Field(default=None, description="of each period; left out: 50%")
    down_for: Seconds | None = Field(default=None, description="the same as a time")

    @model_validator(mode="after")
    def _both_parts_are_long_enough(self) -> Self:
        if self.down is not None and self.down_for is not None:
            raise ValueError("down and down_for say the same twice -> keep one of them")
        if self.down_s >= self.period:
            raise ValueError("it would never come up -> write kind: down for that, or a shorter down time")
        if min(self.down_s, self.period - self.down_s) < SHORTEST_PART_S:
            least = say_seconds(SHORTEST_PART_S)
            raise ValueError(
                f"down {say_seconds(self.down_s)} of {say_seconds(self.period)} can't be seen -> "
                f"let each part last {least} or more"
            )
        return self

    @property
    def down_s(self) -> float:
        """How long it is down in each period: half of it, where nothing is said."""
        if self.down_for is not None:
            return self.down_for
        return self.period * (0.5 if self.down is None else self.down)

    @property
    def shortest_s(self) -> float:
        """Two periods: one alone would be a plain `down`."""
        return 2 * self.period


class FlapFault(DownFault):
    """Closes and opens the listener from a thread of its own, until it is healed."""

    def __init__(self, plan: FaultPlan, proxy: WireProxy, params: FlapParams) -> None:
        super().__init__(plan, proxy)
        self._params = params
        self._over = threading.Event()
        self._call = threading.Lock()  # one switch at a time; and under it, none begins once `_over` is set
        self._enabled = True
        self._unknown = False
        self._thread = threading.Thread(target=self._flap, name=f"flap {plan.id}", daemon=True)
        self._begun_s = 0.0

    def _switch_off(self) -> None:
        self._begun_s = boot_s()
        self._switch(enabled=False)
        with self._call:
            if not self._over.is_set():
                self._thread.start()

    def prove_wire(self) -> Effect:
        """Connect again and again: refused in one part of the period, taken in the other."""
        probe = TcpProbe(self._proxy.reachable, allow=self._proxy.api.allow)
        patience = Deadline.after(1.5 * self._params.period + 1.0)
        look_s = min(_LONGEST_LOOK_S, min(self._params.down_s, self._params.period - self._params.down_s) / _LOOKS)
        seen = {"refused": 0, "taken": 0, "neither": 0}
        error = ""
        while not (all((seen["refused"], seen["taken"])) or patience.passed):
            sample = probe.measure(_CALL_S)
            seen["taken" if sample.ok else "refused" if sample.refused else "neither"] += 1
            error = error if sample.ok or sample.refused else sample.error
            if self._over.wait(look_s):
                break
        text = f"of {sum(seen.values())} connections {seen['refused']} refused, {seen['taken']} taken"
        text += f", {seen['neither']} neither ({error})" if error else ""
        measured = Measurement(text, {key: float(count) for key, count in seen.items()})
        return Effect(expected(self._params), measured, effective=bool(seen["refused"] and seen["taken"]))

    def present(self) -> bool:
        with self._call:
            # a switch of ours can't come between the question and the answer
            closed = super().present()
            return self._thread.is_alive() and not self._unknown and closed is not self._enabled

    def heal(self, deadline: Deadline) -> Healed:
        """No switch begins from here on, and one in flight is waited for: what is opened now stays open."""
        self._over.set()
        settled = self._call.acquire(timeout=min(_IN_FLIGHT_S, deadline.left_s()))
        try:
            healed = super().heal(deadline)
            if self._unknown:
                # a switch whose answer never came may have landed after the first heal
                healed = super().heal(deadline)
            return healed
        finally:
            if settled:
                self._call.release()

    def close(self) -> None:
        """The flapping ends with its healing; its thread is given the time of its last call."""
        if self._over.is_set() and self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _flap(self) -> None:
        """On a schedule from the start, so that no delay adds up."""
        params, period = self._params, 0
        while True:
            for at_s, enabled in ((params.down_s, True), (params.period, False)):
                moment = self._begun_s + period * params.period + at_s
                if self._over.wait(max(0.0, moment - boot_s())):
                    return
                try:
                    self._switch(enabled=enabled)
                except GamedayError:
                    self._unknown = True  # seen by `present`: the fault is not what it was
            period += 1

    def _switch(self, *, enabled: bool) -> None:
        with self._call:
            if self._over.is_set():
                return
            try:
                self._proxy.api.set_enabled(self._proxy.name, enabled=enabled, timeout_s=_CALL_S)
            except ReachFailed:
                self._unknown = True
                raise
            self._enabled, self._unknown = enabled, False


def flap(plan: FaultPlan, proxy: WireProxy, run: str) -> FlapFault:  # noqa: ARG001 - the signature of all kinds
    """The fault of a plan; there is nothing in the server that would carry the run's name."""
    assert isinstance(plan.params, FlapParams)
    return FlapFault(plan, proxy, plan.params)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, FlapParams)
    return f"connections refused for {say_seconds(params.down_s)} of every {say_seconds(params.period)}"
