"""Plays the exercise: warm-up, baseline, faults, recovery. One inbox, one loop; the guard sees each message first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.analysis import generator
from harness.analysis.invariant import Answer
from harness.analysis.recovery import time_to_recover_s
from harness.clock import Clock
from harness.errors import GamedayError
from harness.guard.guard import Guard
from harness.journal.record import (
    Breach,
    FaultHealed,
    FaultInjected,
    HealFailed,
    LevelJudged,
    LoadEnded,
    LoadProcessLost,
    LoadStopped,
    Note,
    PhaseEnded,
    PhaseName,
    PhaseStarted,
    Readings,
    Recovered,
    StopDecided,
    StopSource,
    Window,
)
from runbooks.crew import FaultCrew
from runbooks.inbox import Inbox, Message, StopAsked, Wake
from runbooks.judging import Judging, Witnesses
from runbooks.observations import Observations
from runbooks.recorder import Recorder, stamped
from runbooks.runbook import Runbook
from runbooks.screen import Screen, Status
from runbooks.self_watch import SelfWatch
from runbooks.status import status_of

TICK_S = 0.25
BLIND_S = 3.0  # without windows for so long the guard sees nothing: the run must not go on
HALT_GRACE_S = 0.25
END_GRACE_S = 5.0
HALT_BOUND_S = 12.0
FAULT_END_BOUND_S = 20.0


class Load(Protocol):
    """The load process, as the conductor sees it."""

    def stop(self, grace_s: float) -> LoadStopped: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """What the exercise is played with."""

    runbook: Runbook
    clock: Clock
    inbox: Inbox
    recorder: Recorder
    observations: Observations
    guard: Guard
    crew: FaultCrew
    load: Load
    screen: Screen
    ask_invariants: Callable[[], Mapping[str, Answer]]
    healer_alive: Callable[[], bool]
    crash_watchers: tuple[str, ...] = ()
    lease_lost: Callable[[], str] = lambda: ""
    server_lost: Callable[[], str] = lambda: ""


class Conductor:
    """One exercise. `play` returns when the load has stopped and every fault is healed or said to be not healed."""

    def __init__(self, stage: Stage) -> None:
        self._s = stage
        self.stop: StopDecided | None = None
        self.hurry = threading.Event()
        self._phase: PhaseName = "warm-up"
        self._phase_end_s = 0.0
        self._blind_s = 0.0
        self._looked_s = stage.clock.now_s()
        self._self_watch = SelfWatch(stage.clock, stage.recorder)
        self._load_stopped: LoadStopped | None = None
        self._stopping: threading.Thread | None = None
        self.judging = Judging(
            stage.runbook, stage.clock, stage.recorder, stage.observations,
            Witnesses(stage.ask_invariants, stage.crash_watchers), self._listen, self.hurry,
        )  # fmt: skip

    def play(self) -> None:
        """All phases. The load has been started; its windows are in the inbox."""
        try:
            self._phases()
        finally:
            self._end()
        self.judging.the_end()

    def listen_while(self, running: Callable[[], bool], bound_s: float) -> None:
        """Read the inbox while something outside the phases goes on (collecting evidence, say), at most `bound_s`."""
        until_s = self._s.clock.now_s() + bound_s
        while running() and self._s.clock.now_s() < until_s:
            message = self._s.inbox.get(0.05)
            if message is not None:
                self._keep(message)

    def _phases(self) -> None:
        phases = self._s.runbook.phases
        self._s.guard.arm()
        if not self._play_phase("warm-up", phases.warm_up_s) or not self._play_phase("baseline", phases.baseline_s):
            return
        if not self._baseline_holds():
            return
        if self._s.runbook.faults_s > 0 and not self._play_faults():
            return
        if phases.recovery_s > 0:
            self._play_recovery(phases.recovery_s)

    def _play_phase(self, name: PhaseName, seconds: float) -> bool:
        start_s = self._begin(name, seconds)
        done = self._until(start_s + seconds)
        self._finish(name)
        # where nothing is injected the baseline is the test itself: what it showed until a halt is judged too
        if name == "baseline" and (done or not self._s.runbook.faults):
            self._judge("baseline", start_s, self._s.clock.now_s() if self.stop is None else self.stop.decided_at)
        return done

    def _play_faults(self) -> bool:
        start_s = self._begin("faults", self._s.runbook.faults_s)
        try:
            for plan in self._s.crew.plans:
                if not self._until(start_s + plan.at_s):
                    return False
                self._s.crew.start(plan)
            return self._until(start_s + self._s.runbook.faults_s) and self._until_healed()
        finally:
            self._finish("faults")
            end_s = self._s.clock.now_s() if self.stop is None else self.stop.decided_at
            self._judge("faults", start_s, end_s)

    def _until_healed(self) -> bool:
        """The last fault's healing and its check may take a moment more than the timeline."""
        bound_s = self._s.clock.now_s() + FAULT_END_BOUND_S
        while self._s.crew.at_work and self._s.clock.now_s() < bound_s:
            if not self._until(self._s.clock.now_s() + 0.05):
                return False
        return True

    def _play_recovery(self, seconds: float) -> None:
        start_s = self._begin("recovery", seconds)
        done = self._until(start_s + seconds)
        self._finish("recovery")
        if not done:
            return
        end_s = self._s.clock.now_s()
        healed = self._s.recorder.view().last(FaultHealed)
        if healed is not None:
            took_s = self._recovered_after(healed.t, end_s)
            self._s.recorder.record(Recovered(time_to_recover_s=took_s))
            start_s = start_s if took_s is None else max(start_s, healed.t + took_s)
        self._judge("recovery", start_s, end_s)

    def _recovered_after(self, healed_s: float, end_s: float) -> float | None:
        windows = self._s.observations.windows(healed_s, end_s)
        readings = self._s.observations.readings(healed_s, end_s)
        return time_to_recover_s(self._s.runbook.service_levels, windows, readings, healed_s, end_s)

    def _baseline_holds(self) -> bool:
        judged = [r for r in self._s.recorder.view().of(LevelJudged) if r.phase == "baseline"]
        return all(level.met is True for level in judged)

    def _begin(self, name: PhaseName, seconds: float) -> float:
        start_s = self._s.clock.now_s()
        self._phase, self._phase_end_s = name, start_s + seconds
        self._s.recorder.record(PhaseStarted(t=start_s, name=name))
        return start_s

    def _finish(self, name: PhaseName) -> None:
        self._s.recorder.record(PhaseEnded(name=name))

    def _judge(self, phase: PhaseName, start_s: float, end_s: float) -> None:
        self._say_lag(phase, self._s.observations.windows(start_s, end_s))
        self.judging.phase(phase, start_s, end_s, halted=self.stop is not None)

    def _say_lag(self, phase: PhaseName, windows: tuple[Window, ...]) -> None:
        """Latencies measured by a load generator that can't keep up are partly its own."""
        lag_ms = generator.lag_ms(windows)
        if lag_ms > generator.BUSY_LAG_MS:
            lagged = f"The load generator itself lagged by {lag_ms:.0f} ms (p95) in {phase}"
            text = f"{lagged}: its machine is too busy, and the latencies are partly its own"
            self._s.recorder.record(Note(level="warning", text=text))

    def _say_how_it_held(self, healed: FaultHealed) -> None:
        """The hypothesis under one fault alone; the phase as a whole is judged at its end."""
        injected = next((r for r in self._s.recorder.view().of(FaultInjected) if r.fault_id == healed.fault_id), None)
        if injected is None:
            return
        windows = self._s.observations.windows(injected.t, healed.t)
        readings = self._s.observations.readings(injected.t, healed.t)
        judged = self.judging.under(windows, readings)
        missed = [level.text for level in judged if level.met is False]
        held = [level.text.removesuffix(": met") for level in judged if level.met]
        if missed:
            text = f"Under {injected.name} the service levels did NOT hold: {'; '.join(missed)}"
            self._s.recorder.record(Note(level="warning", text=text))
        elif held:
            self._s.recorder.record(Note(text=f"Under {injected.name} the service levels held: {held[0]}"))

    def _listen(self, timeout_s: float) -> None:
        if self._load_stopped is None:
            self._read(timeout_s)
        else:  # nobody guards a load that is over
            self.listen_while(lambda: True, timeout_s)

    def _until(self, at_s: float) -> bool:
        """Read the inbox until `at_s`; False when the end was decided before."""
        while self.stop is None:
            left_s = at_s - self._s.clock.now_s()
            if left_s <= 0:
                return True
            self._read(min(left_s, TICK_S))
        return False

    def _read(self, timeout_s: float) -> None:
        message = self._s.inbox.get(timeout_s)
        if message is not None:
            self._take(message)
        if self.stop is None:
            self._look_after_ourselves()

    def _take(self, message: Message) -> None:
        if isinstance(message, Window | Readings) and self.stop is None:
            breach = self._s.guard.see(message)
            if breach is not None:
                self._decide("condition", breach.text, breach)
        self._keep(message)
        if self.stop is not None:
            return
        if isinstance(message, LoadEnded) and message.by_person:
            self._decide("person", message.detail)
        elif isinstance(message, LoadEnded):
            self._decide("error", f"the load ended by itself (exit code {message.exit_code}): {message.detail}")
        elif isinstance(message, LoadProcessLost):
            self._decide("error", f"load process {message.pid} died, and nobody replaces its users")
        elif isinstance(message, HealFailed):
            self._decide("error", f"{message.fault_id} could not be healed")

    def _keep(self, message: Message) -> None:
        """Write a message down and remember it; no decision but a stop that somebody asks for."""
        if isinstance(message, StopAsked):
            self._asked(message)
            return
        if isinstance(message, Window | Readings):
            self._s.observations.add(message)
        if isinstance(message, Window):
            self._blind_s = 0.0
            self._show(message)
        if not isinstance(message, Wake):
            self._s.recorder.record(message)
        if isinstance(message, FaultHealed) and self.stop is None:
            self._say_how_it_held(message)

    def _asked(self, message: StopAsked) -> None:
        if self.stop is None and self._load_stopped is None:
            self._decide(message.source, message.reason)
        elif message.hurries:
            if not self.hurry.is_set():
                self._s.recorder.record(Note(text="asked to hurry: evidence and reports are waited for no longer"))
            self.hurry.set()
        else:
            self._s.recorder.record(Note(text=f"a further reason to stop: {message.reason}"))

    def _decide(self, source: StopSource, reason: str, breach: Breach | None = None) -> None:
        """The first reason is kept. Healing and stopping begin at once, in threads: nothing slow comes before."""
        if self.stop is not None:
            self._s.recorder.record(Note(text=f"a further reason to stop: {reason}"))
            return
        self.stop = StopDecided(source=source, reason=reason, decided_at=self._s.clock.now_s())
        self._s.crew.heal_all()
        self._stop_load(HALT_GRACE_S)
        if breach is not None:
            self._s.recorder.record(breach)
        self._s.recorder.record(self.stop)

    def _stop_load(self, grace_s: float) -> None:
        if self._stopping is None:
            self._stopping = threading.Thread(
                target=self._stop_and_tell, args=(grace_s,), name="stop-load", daemon=True
            )
            self._stopping.start()

    def _stop_and_tell(self, grace_s: float) -> None:
        try:
            self._load_stopped = self._s.load.stop(grace_s)
        except GamedayError as error:
            self._s.inbox.put(stamped(Note(level="error", text=f"the load did not stop: {error}"), self._s.clock))
            return
        self._s.inbox.put(stamped(self._load_stopped, self._s.clock))

    def _look_after_ourselves(self) -> None:
        now_s = self._s.clock.now_s()
        # a machine that stood still kept us from listening too: only the time in which we did counts
        self._blind_s += min(now_s - self._looked_s, 2 * TICK_S)
        self._looked_s = now_s
        if self._blind_s > BLIND_S:
            self._decide("error", f"no window came from the load for {self._blind_s:.1f} s: the guard was blind")
        elif not self._s.healer_alive():
            self._decide("error", "the healer died: nobody would outlive us")
        elif lost := self._s.lease_lost() or self._s.server_lost():
            self._decide("error", lost)
        elif trouble := self._self_watch.look():
            self._decide("error", trouble)

    def _end(self) -> None:
        """Load stopped, faults healed, whatever came before; bounded."""
        self._s.crew.heal_all()
        self._stop_load(END_GRACE_S if self.stop is None else HALT_GRACE_S)
        self.listen_while(lambda: self._load_stopped is None or bool(self._s.crew.at_work), HALT_BOUND_S)
        for fault_id in self._s.crew.at_work:
            self._s.recorder.record(
                HealFailed(fault_id=fault_id, by="conductor", command="gameday heal",
                           reason=f"its healing did not end in {HALT_BOUND_S:g} s")
            )  # fmt: skip
        if self._load_stopped is None:
            raise GamedayError("the load's processes did not end", mend="see `gameday status`, then `gameday heal`")
        self._drain()
        self._s.screen.status(Status(phase="evidence and reports"))

    def _drain(self) -> None:
        while (message := self._s.inbox.get(0)) is not None:
            self._keep(message)

    def _show(self, window: Window) -> None:
        self._s.screen.status(
            status_of(self._s.observations, window, phase=self._phase, left_s=self._phase_end_s - window.end,
                      faults=self._s.crew.states, conditions=self._s.guard.distances())
        )  # fmt: skip
