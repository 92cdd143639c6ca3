"""Judges what the alerting should have done: fire in time after a fault or a breach, be over after the healing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.analysis.reading_level import MISSING_SHARE, missing_share
from harness.journal.record import AlertSeen, LevelJudged, PhaseName

SKEW_S = 5.0
"""How far the alerting's clock may be from ours: what began longer than this before the fault is not its doing."""
_NEARLY_S = 1.0  # the alerting is asked once a second


@dataclass(frozen=True, slots=True)
class AlertLevel:
    """The alert `alert`, with these labels among its own, must fire within `within_s` seconds after the fault was
    injected, or after the run was breached; and be over `resolved_within_s` after the fault was healed (None: not
    asked). `fault_id` "": the first fault that is injected."""

    name: str
    alert: str
    within_s: float
    labels: Mapping[str, str] = field(default_factory=dict)
    fault_id: str = ""
    after: Literal["fault", "breach"] = "fault"
    resolved_within_s: float | None = None

    @property
    def resolved_name(self) -> str:
        """What the second limit is called."""
        return f"{self.name}, resolved"


@dataclass(frozen=True, slots=True)
class Moments:
    """What happened when, in seconds since the start of the run; None: not (yet). `fault`: the fault's name."""

    fault: str = ""
    injected_s: float | None = None
    healed_s: float | None = None
    breach_s: float | None = None
    now_s: float = 0.0
    halted: bool = False


def judge_alert(
    level: AlertLevel, seen: Sequence[AlertSeen], moments: Moments, heard_s: Sequence[float]
) -> list[LevelJudged]:
    """The level, and its second limit where it has one. `heard_s`: when the alerting answered. Nothing where the alert
    must follow a breach and there was none."""
    if level.after == "breach" and moments.breach_s is None:
        return []
    alerts = sorted((alert for alert in seen if _is_meant(level, alert)), key=lambda alert: alert.t)
    since = f"after {moments.fault or 'the fault'} was injected" if level.after == "fault" else "after the breach"
    fired = _fired(level, alerts, moments, heard_s, since)
    judged = [_record((level.name, level.alert, "faults"), level.within_s, fired)]
    if level.resolved_within_s is not None:
        resolved = _resolved(level.resolved_within_s, alerts, moments, heard_s)
        judged.append(_record((level.resolved_name, level.alert, "recovery"), level.resolved_within_s, resolved))
    return judged


def is_settled(level: AlertLevel, seen: Sequence[AlertSeen], injected_s: float) -> bool:
    """Whether waiting for the alert can tell nothing more: it has come, in time or not, or it fired all along."""
    alerts = [alert for alert in seen if _is_meant(level, alert)]
    return any(_is_answer(alert, injected_s) for alert in alerts) or _fires_at(alerts, injected_s)


_Judged = tuple[float | None, bool | None, str]


def _fired(
    level: AlertLevel, alerts: Sequence[AlertSeen], moments: Moments, heard_s: Sequence[float], since: str
) -> _Judged:
    injected_s = moments.injected_s
    if injected_s is None:
        return None, None, "can't be judged: its fault was never injected"
    from_s = moments.breach_s if level.after == "breach" and moments.breach_s is not None else injected_s
    until_s = from_s + level.within_s
    fired = next((alert for alert in alerts if _is_answer(alert, injected_s)), None)
    limit = f"limit {level.within_s:g} s"
    if fired is not None:
        took_s = max(0.0, fired.t - from_s)
        if fired.t > until_s and _unheard(heard_s, from_s, fired.t):
            return took_s, None, f"was heard of {took_s:.1f} s {since}, {limit}, but the alerting did not answer before"
        return took_s, fired.t <= until_s, f"fired {took_s:.1f} s {since}, {limit}"
    if _fires_at(alerts, injected_s):
        return None, None, "was firing already before the fault: it says nothing"
    return _not_fired(level, alerts, moments, (from_s, until_s), heard_s, since)


def _not_fired(
    level: AlertLevel,
    alerts: Sequence[AlertSeen],
    moments: Moments,
    span_s: tuple[float, float],
    heard_s: Sequence[float],
    since: str,
) -> _Judged:
    from_s, until_s = span_s
    end_s = min(until_s, moments.now_s)
    if _unheard(heard_s, from_s, end_s):
        return None, None, "can't be judged: the alerting did not answer"
    silenced = ", it is silenced" if any(alert.state == "suppressed" for alert in alerts) else ""
    if moments.now_s < until_s - _NEARLY_S:
        first = "the halt came first" if moments.halted else "the run ended first"
        return (
            None,
            None,
            f"had not fired {end_s - from_s:.1f} s {since}, limit {level.within_s:g} s: {first}{silenced}",
        )
    return None, False, f"did not fire within {level.within_s:g} s {since}{silenced}"


def _resolved(within_s: float, alerts: Sequence[AlertSeen], moments: Moments, heard_s: Sequence[float]) -> _Judged:
    injected_s, healed_s = moments.injected_s, moments.healed_s
    if injected_s is None or healed_s is None:
        return None, None, "can't be judged: its fault was never healed"
    fired = [alert for alert in alerts if _is_answer(alert, injected_s)]
    if not fired:
        return None, None, "never fired"
    limit, until_s = f"limit {within_s:g} s", healed_s + within_s
    ends = [_over_s(alert, alerts) for alert in fired]
    if all(end is not None for end in ends):
        took_s = max(0.0, max(end for end in ends if end is not None) - healed_s)
        return took_s, took_s <= within_s, f"was over {took_s:.1f} s after the healing, {limit}"
    if _unheard(heard_s, healed_s, min(until_s, moments.now_s)):
        return None, None, "can't be judged: the alerting did not answer"
    if moments.now_s < until_s - _NEARLY_S:
        return (
            None,
            None,
            f"still fired {moments.now_s - healed_s:.1f} s after the healing, {limit}: the run ended first",
        )
    return None, False, f"still fired {within_s:g} s after the healing"


def _over_s(fired: AlertSeen, alerts: Sequence[AlertSeen]) -> float | None:
    """When the alert was over for good; None where it fires still."""
    same = [alert for alert in alerts if alert.labels == fired.labels]
    return same[-1].t if same[-1].state == "resolved" else None


def _is_meant(level: AlertLevel, alert: AlertSeen) -> bool:
    return alert.name == level.alert and all(alert.labels.get(key) == text for key, text in level.labels.items())


def _is_answer(alert: AlertSeen, injected_s: float) -> bool:
    began_before = alert.since is not None and alert.since < injected_s - SKEW_S
    return alert.state == "firing" and alert.t >= injected_s and not began_before


def _fires_at(alerts: Sequence[AlertSeen], moment_s: float) -> bool:
    """Whether any of them fired at that moment: told before, or told after and begun before."""
    last: dict[tuple[tuple[str, str], ...], AlertSeen] = {}
    for alert in alerts:
        if alert.t < moment_s:
            last[tuple(sorted(alert.labels.items()))] = alert
    told_late = any(alert.state == "firing" and alert.t >= moment_s for alert in alerts)
    return told_late or any(alert.state == "firing" for alert in last.values())


def _unheard(heard_s: Sequence[float], from_s: float, until_s: float) -> bool:
    if until_s <= from_s:
        return False
    return missing_share([t for t in heard_s if from_s <= t <= until_s], (from_s, until_s)) > MISSING_SHARE


def _record(about: tuple[str, str, PhaseName], limit: float, judged: _Judged) -> LevelJudged:
    name, alert, phase = about
    value, met, said = judged
    known = "unknown" if met is None else "met" if met else "not met"
    return LevelJudged(
        name=name,
        phase=phase,
        value=value,
        limit=limit,
        unit="s",
        met=met,
        about="alert",
        text=f"{name}: {alert} {said}: {known}",
    )
