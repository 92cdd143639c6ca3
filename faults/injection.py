"""Plays one fault: prepare, write the undo record, inject, prove, wait, heal, measure again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from faults.fault import Fault, FaultPlan, Healed
from faults.healing import command_of
from faults.observation import Observation
from faults.proving import Prover
from faults.undo import Undo
from harness.clock import Clock, Deadline
from harness.errors import GamedayError, NotHealed
from harness.journal.record import FaultHealed, FaultInjected, HealFailed, InjectionFailed, Record, UndoWritten
from harness.journal.writer import Journal

State = Literal["waiting", "preparing", "injecting", "on", "healing", "healed", "not-healed", "failed", "skipped"]
HEAL_S = 5.0
_AFTERWARDS_S = 3.0
_LEAST_AFTERWARDS_S = 0.3
_IN_FLIGHT_S = 1.0
_LOOK_S = 0.1


class Injection:
    """One fault of one run, in a thread of its own (`play`); `heal` may come from another thread at any moment.

    `observe(start_s, end_s)` and `baseline()` give the platform under the fault and before it. All records but the
    undo record go to `emit`; a fault that never got in says so with InjectionFailed, once nothing of it is left.
    `permit` is asked before the undo record is written: it raises Refused where the fault may not be injected now.
    """

    def __init__(
        self,
        fault: Fault,
        *,
        journal: Journal,
        emit: Callable[[Record], None],
        observe: Callable[[float, float], Observation],
        baseline: Callable[[], Observation],
        clock: Clock,
        permit: Callable[[FaultPlan], None] = lambda _plan: None,
    ) -> None:
        self.fault = fault
        self._permit = permit
        self.injected_at: float | None = None
        self.healed_at: float | None = None
        self._journal = journal
        self._emit = emit
        self._observe = observe
        self._baseline = baseline
        self._clock = clock
        self._state: State = "waiting"
        self._lock = threading.Lock()  # guards _state, and who goes first: inject or heal
        self._healing = threading.Lock()  # one heal at a time
        self._ended = threading.Event()  # somebody wants it off
        self._inject_over = threading.Event()
        self._begun = False
        self._failure = ""
        self._heal_failure = ""
        self._undo: Undo | None = None
        self._prover: Prover | None = None

    @property
    def state(self) -> State:
        return self._state

    @property
    def on(self) -> bool:
        """Whether it may be acting on the platform now."""
        return self._state in {"injecting", "on", "healing", "not-healed"}

    def play(self, halt: threading.Event) -> None:
        """The whole of it; returns once the fault is off, or says by HealFailed that it isn't. Never raises."""
        try:
            if self._prepare(halt) and self._begin(halt):
                self._inject()
                if not self._failure:
                    self._last(halt)
        except Exception as error:  # noqa: BLE001 - the border of a thread: whatever it was, the fault must go
            self._failure = f"{type(error).__name__}: {error}"
            if not self._begun:
                self._state = "failed"
                self._emit_failure(self._failure)
        finally:
            self._finish(halted=halt.is_set())

    def heal(self, deadline: Deadline) -> bool:
        """Take it off now, without waiting for a probe. True when it is off (or never was on, and now won't be).

        Idempotent, from any thread, beside `play`; when an injection is in flight, it is healed after it too.
        """
        with self._lock:
            self._ended.set()
            if not self._begun:
                return True
        if self._prover is not None:
            self._prover.stop()  # what is measured from now on is not the fault
        self._inject_over.wait(min(_IN_FLIGHT_S, deadline.left_s()))
        return self._take_off(deadline)

    def _prepare(self, halt: threading.Event) -> bool:
        """Read, measure, and put the undo record on disk; without it there is no injection."""
        if not self._move({"waiting"}, "preparing", halt):
            return False
        try:
            self._undo = self.fault.prepare()
            undo = self._undo.model_dump(mode="json")
            self._permit(self.fault.plan)
            self._check_kept(undo)
            self._journal.commit(UndoWritten(t=self._clock.now_s(), fault_id=self.fault.plan.id, undo=undo))
        except GamedayError as error:
            self._state = "failed"
            self._emit_failure(str(error))
            return False
        return True

    def _check_kept(self, undo: dict[str, object]) -> None:
        """Raises GamedayError where redaction would change the record: nobody could heal from what is left of it."""
        if self._journal.redactor.value(undo) != undo:
            what = "its undo record holds what looks like a secret, and the journal keeps none"
            raise GamedayError(what, mend="let the fault name where the secret is found")

    def _begin(self, halt: threading.Event) -> bool:
        if self._move({"preparing"}, "injecting", halt):
            return True
        # its undo record is on disk: say that nothing is left to undo
        self._emit_failure("the halt came before the injection")
        return False

    def _move(self, before: set[State], after: State, halt: threading.Event) -> bool:
        with self._lock:
            if self._ended.is_set() or halt.is_set() or self._state not in before:
                self._state = "skipped"
                return False
            self._state = after
            self._begun = after == "injecting"
            return True

    def _inject(self) -> None:
        try:
            self.fault.inject()
        except GamedayError as error:
            self._failure = str(error)
        else:
            plan = self.fault.plan
            self.injected_at = self._clock.now_s()
            self._emit(
                FaultInjected(
                    t=self.injected_at,
                    fault_id=plan.id,
                    name=plan.name,
                    fault_kind=plan.kind,
                    proxy=plan.proxy,
                    database=plan.database,
                    on=plan.on,
                    place=plan.place,
                    params=plan.recorded_params,
                    until=self.injected_at + plan.for_s,
                    hit=self._undo.hit if self._undo is not None else (),
                )
            )
            with self._lock:
                if self._state == "injecting":
                    self._state = "on"
        finally:
            self._inject_over.set()

    def _last(self, halt: threading.Event) -> None:
        """Prove and wait, until its time is over or somebody ends it."""
        assert self.injected_at is not None
        end = Deadline.after(self.fault.plan.for_s)
        prover = Prover(
            self.fault,
            injected_at=self.injected_at,
            emit=self._emit,
            observe=self._observe,
            baseline=self._baseline,
            clock=self._clock,
        )
        self._prover = prover
        prover.start()
        while not (end.passed or self._ended.is_set() or halt.wait(min(_LOOK_S, end.left_s()))):
            pass

    def _finish(self, *, halted: bool) -> None:
        """Heal in any case; talk afterwards."""
        halted = halted or self._ended.is_set()
        prover = self._prover
        if prover is not None:
            prover.stop()
        if self._begun:
            self._take_off(Deadline.after(HEAL_S))
        if prover is None:
            self.fault.close()
        else:
            prover.conclude(halted=halted)
            prover.join(_AFTERWARDS_S)

    def _take_off(self, deadline: Deadline) -> bool:
        if not self._healing.acquire(timeout=deadline.left_s()):
            return False
        try:
            return self.healed_at is not None or self._heal_once(deadline)
        finally:
            self._healing.release()

    def _heal_once(self, deadline: Deadline) -> bool:
        self._state = "healing"
        in_flight = not self._inject_over.is_set()
        try:
            healed = self.fault.heal(deadline)
        except Exception as error:  # noqa: BLE001 - whatever it was, a person must hear that it is still on
            self._state = "not-healed"
            self._emit_heal_failed(error)
            return False
        if in_flight:
            return True  # what is in flight may land after this: `play` heals again when it is over
        if self.injected_at is None:
            self._state, self.healed_at = "failed", self._clock.now_s()
            self._emit_failure("; ".join(part for part in (self._failure, healed.note) if part))
        else:
            self._emit_healed(healed, deadline)
        return True

    def _emit_healed(self, healed: Healed, deadline: Deadline) -> None:
        try:
            wait_s = min(_AFTERWARDS_S, max(deadline.left_s(), _LEAST_AFTERWARDS_S))
            effect = self.fault.measure_healed(Deadline.after(wait_s))
            measured, verified, mend = effect.measured.text, effect.effective, effect.mend
        except Exception as error:  # noqa: BLE001 - it is off; that it can't be measured is said, not raised
            measured, verified, mend = f"it could not be measured: {error}", None, ""
        self._state, self.healed_at = "healed", self._clock.now_s()
        self._emit(
            FaultHealed(
                t=self.healed_at,
                fault_id=self.fault.plan.id,
                by="keeper" if healed.by_keeper else "conductor",
                rung=healed.rung,
                measured_after=measured,
                verified=verified,
                note=healed.note,
                command=(mend or healed.command) if verified is False else "",
            )
        )

    def _emit_heal_failed(self, error: Exception) -> None:
        command = error.mend if isinstance(error, NotHealed) else ""
        if not command and self._undo is not None:
            command = command_of(self._undo)
        what = error.what if isinstance(error, GamedayError) else f"{type(error).__name__}: {error}"
        reason = f"{what} (after: {self._failure})" if self._failure else what
        if reason == self._heal_failure:
            return  # each attempt tells it, and a person hears it once
        self._heal_failure = reason
        now, fault_id = self._clock.now_s(), self.fault.plan.id
        self._emit(HealFailed(t=now, fault_id=fault_id, by="conductor", reason=reason, command=command))

    def _emit_failure(self, reason: str) -> None:
        self._emit(InjectionFailed(t=self._clock.now_s(), fault_id=self.fault.plan.id, reason=reason))
