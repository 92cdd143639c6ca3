"""Judges the phases: what the windows and readings say, what the invariants answer, what crashed, what alerted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.alert_level import AlertLevel, Moments, is_settled, judge_alert
from harness.analysis.invariant import Answer, judge_invariant
from harness.analysis.judge import Around, judge
from harness.analysis.service_level import CrashLevel, Invariant, ServiceLevel
from harness.clock import Clock
from harness.journal.record import (
    AlertSeen,
    Breach,
    CrashSeen,
    FaultHealed,
    FaultInjected,
    LevelJudged,
    Note,
    PhaseName,
    Readings,
    StopDecided,
    Window,
)
from harness.monitor.alert import SOURCE as ALERTING
from runbooks.observations import Observations
from runbooks.recorder import Recorder
from runbooks.runbook import Runbook

ANSWERS_S = 6.0
_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whom the judging asks. `ask_invariants` answers by the level's name, in bounded time; `watchers` are the sources
    that would tell a crash."""

    ask_invariants: Callable[[], Mapping[str, Answer]] = dict
    watchers: tuple[str, ...] = ()


class Judging:
    """Every judgement of a run becomes a record. `listen` reads the inbox for so many seconds: nothing here keeps the
    guard from seeing. `hurry`: nobody wants to wait for an answer any more."""

    def __init__(
        self,
        runbook: Runbook,
        clock: Clock,
        recorder: Recorder,
        observations: Observations,
        witnesses: Witnesses,
        listen: Callable[[float], None],
        hurry: threading.Event,
    ) -> None:
        self._runbook = runbook
        self._clock = clock
        self._recorder = recorder
        self._observations = observations
        self._witnesses = witnesses
        self._listen = listen
        self._hurry = hurry
        self._before: Mapping[str, Answer] | None = None
        self._crashes_judged: set[tuple[float, str, str]] = set()
        self._after_faults = False

    def phase(self, phase: PhaseName, start_s: float, end_s: float, *, halted: bool = False) -> None:
        """The levels of a phase. After a halt the invariants are left for the end: the platform is being healed."""
        windows = self._observations.windows(start_s, end_s)
        readings = self._observations.readings(start_s, end_s)
        levels: Sequence[ServiceLevel] = self._runbook.service_levels
        if halted:
            levels = [level for level in levels if not isinstance(level, Invariant)]
        answers = self._answers(levels)
        around = Around((start_s, end_s), self._before, self._new_crashes(), self._witnesses.watchers)
        for level in judge(levels, windows, readings, phase, answers, around):
            self._recorder.record(level)
        if phase == "baseline" and not halted:
            self._before = answers
        self._after_faults = self._after_faults or phase == "recovery"

    def under(self, windows: Sequence[Window], readings: Sequence[Readings]) -> tuple[LevelJudged, ...]:
        """The levels on requests and readings under one fault alone, for a remark."""
        return judge(self._runbook.service_levels, windows, readings, "faults", {})

    def the_end(self) -> None:
        """Once the load is gone and every fault healed: the invariants where no recovery phase asked them, crashes
        that came after the last phase, and the alerts unless a halt left them time."""
        stop = self._recorder.view().first(StopDecided)
        if not self._after_faults:
            when = " after the halt" if stop is not None else " after the load"
            levels = [level for level in self._runbook.service_levels if isinstance(level, Invariant)]
            answers = {} if self._hurry.is_set() else self._answers(levels)
            for level in levels:
                self._recorder.record(judge_invariant(level, "recovery", answers, self._before or {}, when))
        self._late_crashes()
        if stop is None:
            self._alerts()

    def late_alerts(self) -> bool:
        """After a halt, beside the rest of the emergency procedure: waits for the alerts that must follow the breach,
        then judges all of them. True when there was anything to judge."""
        view = self._recorder.view()
        breach, stop = view.first(Breach), view.first(StopDecided)
        if not self._runbook.alerts or stop is None:
            return False
        after = [level for level in self._runbook.alerts if level.after == "breach"] if breach is not None else []
        for level in after:
            self._await(level, breach.breach_at if breach is not None else 0.0)
        self._alerts()
        return True

    def _await(self, level: AlertLevel, breach_s: float) -> None:
        injected_s = self._moments(level).injected_s
        until_s = breach_s + level.within_s + _PAUSE_S
        if injected_s is None or self._clock.now_s() >= until_s:
            return
        told = False
        while not self._hurry.is_set() and (left_s := until_s - self._clock.now_s()) > 0:
            if is_settled(level, self._recorder.view().of(AlertSeen), injected_s):
                return
            if not told:
                self._recorder.record(Note(text=f"Waiting up to {left_s:.0f} s for the alert {level.alert}"))
                told = True
            self._hurry.wait(min(left_s, _PAUSE_S))

    def _alerts(self) -> None:
        view = self._recorder.view()
        heard_s = [r.t for r in view.of(Readings) if r.source == ALERTING]
        for level in self._runbook.alerts:
            for judged in judge_alert(level, view.of(AlertSeen), self._moments(level), heard_s):
                self._recorder.record(judged)

    def _moments(self, level: AlertLevel) -> Moments:
        view = self._recorder.view()
        injected = next((r for r in view.of(FaultInjected) if level.fault_id in ("", r.fault_id)), None)
        healed = None
        if injected is not None:
            healed = next((r for r in view.of(FaultHealed) if r.fault_id == injected.fault_id), None)
        breach = view.first(Breach)
        return Moments(
            fault=injected.name if injected is not None else "",
            injected_s=injected.t if injected is not None else None,
            healed_s=healed.t if healed is not None else None,
            breach_s=breach.breach_at if breach is not None else None,
            now_s=self._clock.now_s(),
            halted=view.first(StopDecided) is not None,
        )

    def _new_crashes(self) -> tuple[CrashSeen, ...]:
        """The crashes that no phase has been judged by: those between two phases belong to the later one."""
        seen = [c for c in self._recorder.view().of(CrashSeen) if (c.t, c.source, c.text) not in self._crashes_judged]
        self._crashes_judged |= {(c.t, c.source, c.text) for c in seen}
        return tuple(seen)

    def _late_crashes(self) -> None:
        crashes = self._new_crashes()
        levels = [level for level in self._runbook.service_levels if isinstance(level, CrashLevel)]
        for judged in judge(levels, (), (), "recovery", {}, Around(crashes=crashes)):
            if judged.met is False:
                self._recorder.record(judged)

    def _answers(self, levels: Sequence[ServiceLevel]) -> Mapping[str, Answer]:
        """The invariants' answers, asked in the background: a slow database stops nobody from halting."""
        if not any(isinstance(level, Invariant) for level in levels):
            return {}
        asked: list[Mapping[str, Answer]] = []
        asking = threading.Thread(
            target=lambda: asked.append(self._witnesses.ask_invariants()), name="invariants", daemon=True
        )
        asking.start()
        until_s = self._clock.now_s() + ANSWERS_S
        while asking.is_alive() and self._clock.now_s() < until_s and not self._hurry.is_set():
            self._listen(0.05)
        return asked[0] if asked else {}
