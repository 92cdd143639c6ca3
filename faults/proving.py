"""Proves one injected fault, on both sides, beside its injection: a probe that hangs never delays the healing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from faults.fault import Effect, Fault, FaultGone, Measurement
from faults.observation import Observation
from harness.clock import Clock
from harness.errors import ReachFailed
from harness.journal.record import Proof, Record

Side = Literal["wire", "platform"]
FIRST_AFTER_S = 0.05  # a halt may come within a second, and the proof should not lose to it
EVERY_S = 1.0
_LATELY_S = 4.0


class Prover:
    """Measures about once a second until both sides are proven, then watches that the fault stays where it is."""

    def __init__(
        self,
        fault: Fault,
        *,
        injected_at: float,
        emit: Callable[[Record], None],
        observe: Callable[[float, float], Observation],
        baseline: Callable[[], Observation],
        clock: Clock,
    ) -> None:
        self._fault = fault
        self._injected_at = injected_at
        self._emit = emit
        self._observe = observe
        self._baseline = baseline
        self._clock = clock
        self._latest: dict[Side, Effect] = {}
        self._over = threading.Event()
        self._ended_at = injected_at
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"prove {fault.plan.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No measurement counts from now on: a result that comes later is dropped."""
        with self._lock:
            if not self._over.is_set():
                self._ended_at = self._clock.now_s()
                self._over.set()

    def conclude(self, *, halted: bool) -> None:
        """Give the proofs that are still open: not effective; unknown where a halt came first. Call after `stop`."""
        if not self._proven("platform"):
            self._platform_at(self._ended_at)
        for side in ("wire", "platform"):
            if not self._proven(side):
                effect = self._latest.get(side) or Effect(
                    self._expected(side), Measurement("nothing was measured"), effective=None
                )
                self._give(side, effect, effective=None if halted else False)

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended, so that its probe is free."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._measure()
        finally:
            # the fault's own probe belongs to this thread
            self._fault.close()

    def _measure(self) -> None:
        pause_s = FIRST_AFTER_S
        while not self._over.wait(pause_s):
            pause_s = EVERY_S
            if not self._proven("platform"):
                self._platform_now()
            if not self._proven("wire"):
                self._wire()
            elif not self._still_there():
                return

    def _wire(self) -> None:
        try:
            effect = self._fault.prove_wire()
        except Exception as error:  # noqa: BLE001 - a crashed probe proves nothing, and is said to have
            effect = Effect(self._expected("wire"), Measurement(f"the probe failed: {error}"), effective=None)
        self._take("wire", effect)

    def _platform_now(self) -> None:
        self._take("platform", self._platform_effect(self._clock.now_s()))

    def _platform_at(self, ended_at: float) -> None:
        effect = self._platform_effect(ended_at)
        self._latest["platform"] = effect
        if effect.effective:
            self._give("platform", effect, effective=True)

    def _platform_effect(self, until: float) -> Effect:
        try:
            lately = self._observe(self._injected_at - _LATELY_S, self._injected_at).sessions
            before = replace(self._baseline(), sessions_lately=lately)
            return self._fault.prove_platform(before, self._observe(self._injected_at, until))
        except Exception as error:  # noqa: BLE001 - a platform that can't be observed proves nothing
            text = f"the platform could not be observed: {error}"
            return Effect(self._expected("platform"), Measurement(text), effective=None)

    def _still_there(self) -> bool:
        """False, and the wire's proof taken back, once the server has lost the fault."""
        try:
            if self._fault.present():
                return True
            became = "somebody took it off, or its server was restarted"
        except ReachFailed:
            return True  # unknown: the proof stands
        except FaultGone as error:
            became = error.what
        after_s = self._clock.now_s() - self._injected_at
        gone = Measurement(f"proven at first, but gone after {after_s:.1f} s: {became}")
        effect = Effect(self._expected("wire"), gone, effective=False)
        with self._lock:
            if not self._over.is_set():
                self._give("wire", effect, effective=False)
        return False

    def _take(self, side: Side, effect: Effect) -> None:
        with self._lock:
            if self._over.is_set():
                return
            self._latest[side] = effect
            if effect.effective:
                self._give(side, effect, effective=True)

    def _give(self, side: Side, effect: Effect, *, effective: bool | None) -> None:
        self._emit(
            Proof(
                t=self._clock.now_s(),
                fault_id=self._fault.plan.id,
                side=side,
                expected=effect.expected,
                measured=effect.measured.text,
                values=dict(effect.measured.values),
                effective=effective,
            )
        )

    def _proven(self, side: Side) -> bool:
        effect = self._latest.get(side)
        return effect is not None and effect.effective is True

    def _expected(self, side: Side) -> str:
        effect = self._latest.get(side)
        return effect.expected if effect else f"an effect on the {side}"
