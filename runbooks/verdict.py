"""The verdict of a run, from its records: held < invalid < deviated < stopped < not-healed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.analysis import generator
from harness.journal.plan import PlannedFault
from harness.journal.record import (
    FaultHealed,
    FaultInjected,
    HealFailed,
    InjectionFailed,
    LevelJudged,
    LoadEnded,
    LoadSteered,
    PhaseEnded,
    PhaseName,
    PhaseStarted,
    Proof,
    Record,
    Recovered,
    RunStarted,
    StopDecided,
    Verdict,
    VerdictReached,
    Window,
)
from harness.report.success import untouched

SEVERITY: tuple[Verdict, ...] = ("held", "invalid", "deviated", "stopped", "refused", "not-healed")
EXIT_CODES: dict[Verdict, int] = {
    "held": 0, "error": 1, "deviated": 10, "stopped": 11, "invalid": 12, "not-healed": 13, "refused": 14,
}  # fmt: skip
_EXPECTABLE = ("held", "deviated", "stopped")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class _Ground:
    """One reason for a verdict."""

    verdict: Verdict
    reason: str


def reach_verdict(records: Sequence[Record], *, recover_within_s: float) -> VerdictReached:
    """The gravest verdict that the records give ground for, with its reasons, and the exit code."""
    started = next(r for r in records if isinstance(r, RunStarted))
    grounds = list(_grounds(records, started, recover_within_s))
    found: list[Verdict] = [g.verdict for g in grounds]
    verdict: Verdict = max(found, key=SEVERITY.index, default="held")
    reasons = [g.reason for g in grounds if g.verdict == verdict]
    # a lesser ground is still said: a deviation does not hide that another fault never bit
    reasons += [f"also {g.verdict}: {g.reason}" for g in grounds if g.verdict != verdict]
    stop = next(iter(_of(records, StopDecided)), None)
    return VerdictReached(
        verdict=verdict,
        reason="; ".join(dict.fromkeys(reasons)) or "every service level was met in every phase",
        exit_code=exit_code(
            verdict,
            started.expect,
            by_person=stop is not None and stop.source != "condition",
            railed=stop is not None and stop.source == "guard-rail",
            broken=any(level.about == "invariant" and level.met is False for level in _of(records, LevelJudged)),
        ),
    )


def exit_code(verdict: Verdict, expect: Verdict, *, by_person: bool, broken: bool = False, railed: bool = False) -> int:
    """The exit code: a match with `expect` is 0, another of held, deviated, stopped is 10; a stop by a person and
    the verdicts that nobody can expect keep their own. A stop that was expected is no match where an invariant is
    `broken`: nobody drills to charge twice. `railed`: a guard rail closed in mid-run, which is a refusal."""
    if verdict == "stopped" and railed:
        return EXIT_CODES["refused"]
    if verdict not in _EXPECTABLE or (verdict == "stopped" and by_person):
        return EXIT_CODES[verdict]
    if verdict == expect:
        return EXIT_CODES["deviated"] if broken and verdict == "stopped" else 0
    return EXIT_CODES["deviated"] if expect != "held" else EXIT_CODES[verdict]


def not_healed(records: Sequence[Record]) -> tuple[str, ...]:
    """What is still injected, or not back on the wire: graver than any other end of a run. () when nothing is."""
    return tuple(ground.reason for ground in _not_healed(records))


def _grounds(records: Sequence[Record], started: RunStarted, recover_within_s: float) -> Iterator[_Ground]:
    yield from _not_healed(records)
    stop = next(iter(_of(records, StopDecided)), None)
    if stop is not None:
        yield _Ground(_stopped_verdict(stop, records), stop.reason)
    if started.faults:
        yield from _exercise(records, started, recover_within_s, stopped=stop is not None)
    else:
        yield from _load_test(records, started, stopped=stop is not None)
    for ended in _of(records, LoadEnded):
        if not ended.by_person and (stop is None or stop.source != "error"):
            yield _Ground("invalid", f"the load ended by itself (exit code {ended.exit_code}) before the timeline did")
    for steered in _of(records, LoadSteered):
        what = f"somebody changed the number of users to {steered.users} on Locust's web page"
        yield _Ground("invalid", f"{what}: the load was not the runbook's")


def _stopped_verdict(stop: StopDecided, records: Sequence[Record]) -> Verdict:
    if stop.source == "guard-rail":
        # nothing was touched, where the rail closed before the first fault was in
        return "stopped" if _of(records, FaultInjected) else "refused"
    return "invalid" if stop.source == "error" else "stopped"


def _exercise(
    records: Sequence[Record], started: RunStarted, recover_within_s: float, *, stopped: bool
) -> Iterator[_Ground]:
    """A run with faults: they come in only where the baseline holds."""
    baseline_missed = [r for r in _of(records, LevelJudged) if r.phase == "baseline" and r.met is not True]
    for level in baseline_missed:
        yield _Ground("invalid", f"{_said(level)} at the baseline: nothing was injected")
    if not baseline_missed:
        yield from _levels(records, "faults", "under the faults", stopped=stopped)
        yield from _recovery(records, recover_within_s, stopped=stopped)
    yield from _faults(records, started.faults, stopped=stopped or bool(baseline_missed))


def _load_test(records: Sequence[Record], started: RunStarted, *, stopped: bool) -> Iterator[_Ground]:
    """A run without faults, a plain load test: a level that is missed is its result. Only one that the load
    generator's own lag may have missed proves nothing. Tags leave levels out, as long as any is left."""
    lags_ms = _lags_ms(records)
    judged = _of(records, LevelJudged)
    touched = [level for level in judged if not untouched(level, started)]
    for level in touched if any(level.unit in ("ms", "fraction") for level in touched) else judged:
        if level.met is False:
            yield _missed(level, lags_ms.get(level.phase, 0.0))
        elif level.met is None and not stopped:
            yield _Ground("invalid", _said(level))


def _missed(level: LevelJudged, lag_ms: float) -> _Ground:
    own = level.unit == "ms" and level.value is not None and level.value - lag_ms <= level.limit
    if own and lag_ms > generator.BUSY_LAG_MS:
        lagged = f"the load generator itself lagged by {lag_ms:.0f} ms"
        return _Ground("invalid", f"{_said(level)}, but {lagged}: the platform may have met it")
    return _Ground("deviated", f"{_said(level)} under load")


def _lags_ms(records: Sequence[Record]) -> dict[PhaseName, float]:
    """The load generator's lag in each phase."""
    windows = _of(records, Window)
    ends = {r.name: r.t for r in _of(records, PhaseEnded)}
    return {
        r.name: generator.lag_ms([w for w in windows if w.start >= r.t and w.end <= ends.get(r.name, w.end)])
        for r in _of(records, PhaseStarted)
    }


def _not_healed(records: Sequence[Record]) -> Iterator[_Ground]:
    healed = {r.fault_id for r in _of(records, FaultHealed) if r.verified is not False}
    names = {r.fault_id: r.name for r in _of(records, FaultInjected)}
    for failed in _of(records, HealFailed):
        if failed.fault_id not in healed:
            yield _Ground(
                "not-healed",
                f"{names.get(failed.fault_id, failed.fault_id)} could not be healed: {failed.reason}; "
                f"type: {failed.command}",
            )
    for off in _of(records, FaultHealed):
        if off.verified is False:
            typed = f"; type: {off.command}" if off.command else ""
            name = names.get(off.fault_id, off.fault_id)
            text = f"{name} is off, but the wire is not back: {off.measured_after}{typed}"
            yield _Ground("not-healed", text)


def _levels(records: Sequence[Record], phase: PhaseName, when: str, *, stopped: bool) -> Iterator[_Ground]:
    for level in _of(records, LevelJudged):
        if level.phase == phase and level.met is False:
            yield _Ground("deviated", f"{_said(level)} {when}")
        elif level.phase == phase and level.met is None and not stopped:
            yield _Ground("invalid", f"{_said(level)} {when}")


def _recovery(records: Sequence[Record], recover_within_s: float, *, stopped: bool) -> Iterator[_Ground]:
    for recovered in _of(records, Recovered):
        took_s = recovered.time_to_recover_s
        if took_s is None:
            yield _Ground("deviated", f"the service levels did not hold again within {recover_within_s:g} s")
        elif took_s > recover_within_s:
            yield _Ground("deviated", f"recovery took {took_s:.1f} s, more than {recover_within_s:g} s")
    yield from _levels(records, "recovery", "in recovery", stopped=stopped)


def _faults(records: Sequence[Record], planned: Sequence[PlannedFault], *, stopped: bool) -> Iterator[_Ground]:
    injected = {r.fault_id for r in _of(records, FaultInjected)}
    railed = any(r.source == "guard-rail" for r in _of(records, StopDecided))
    failed = {} if railed else {r.fault_id: r.reason for r in _of(records, InjectionFailed)}
    proofs: dict[str, list[Proof]] = {}
    for proof in _of(records, Proof):
        proofs.setdefault(proof.fault_id, []).append(proof)
    for fault in planned:
        if fault.id in failed:
            yield _Ground("invalid", f"{fault.name} could not be injected: {failed[fault.id]}")
        elif fault.id in injected:
            yield from _proven(fault, proofs.get(fault.id, []), stopped=stopped)
        elif not stopped:
            yield _Ground("invalid", f"{fault.name} was never injected")


def _proven(fault: PlannedFault, proofs: Sequence[Proof], *, stopped: bool) -> Iterator[_Ground]:
    for proof in proofs:
        if proof.effective is False:
            where = "on the wire" if proof.side == "wire" else "at the platform"
            yield _Ground("invalid", f"{fault.name} had no effect {where}: {proof.measured}")
        elif proof.effective is None and not stopped:
            yield _Ground("invalid", f"{fault.name} could not be proven on the {proof.side}: {proof.measured}")
    if not stopped and {p.side for p in proofs} != {"wire", "platform"}:
        yield _Ground("invalid", f"{fault.name} was not proven twice")


def _said(level: LevelJudged) -> str:
    """The level and what became of it, such as "api p95 812 ms, limit 200 ms: not met"."""
    if level.text:
        return level.text
    return f"{level.name}: {'could not be measured' if level.met is None else 'not met'}"


def _of(records: Sequence[Record], kind: type[R]) -> list[R]:
    return [r for r in records if isinstance(r, kind)]
