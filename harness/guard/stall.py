"""The stop condition that an error rate can't see: requests are under way and none (or hardly any) completes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.guard.condition import Distance
from harness.guard.sliding import covers
from harness.journal.histogram import merge, percentile_ms
from harness.journal.record import Breach, Readings, Window

_HISTORY_S = 10.0  # what the last healthy seconds showed
_PATIENCE_S = 30.0  # the longest quiet that slow requests can excuse
_WINDOWS_A_SECOND = 4
_HOLE_S = 0.5  # more than this between two windows is time that nobody saw
_LAG_MS = 250.0  # the load process itself stood still: its silence says nothing about the platform
_QUIET_EXPECTED = 12.0  # e^-12: a lull of random arrivals this long comes once in days
_COLLAPSED = 0.1
_COLLAPSE_EXPECTED = 20.0
_MOST = 0.8
_TABLE = 12  # windows told in a breach


class Beat(NamedTuple):
    """One window as the stall sees it."""

    start: float
    end: float
    completed: int
    in_flight: int
    users: int
    window: Window

    @property
    def user_s(self) -> float:
        return self.users * (self.end - self.start)


class Judgement(NamedTuple):
    """The newest stretch against the history: `quiet_s` since the last completion while requests were under way;
    `expected` completions in `over_s` and in the quiet, None where no history says so."""

    quiet_s: float
    expected: float | None
    expected_in_quiet: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing completes for `over_s` seconds although requests are in flight, or completions fell below a tenth
    of what the last healthy seconds showed while most users wait.

    It keeps quiet with fewer than `min_users`, where fewer than `min_expected` completions are expected in
    `over_s`, where the quiet is no longer than requests usually take, and over time that no window covers.
    """

    over_s: float
    min_users: int = 5
    min_expected: float = 5.0

    @property
    def text(self) -> str:
        return f"stall over {self.over_s:g} s"

    def start(self) -> tuple[Beat, ...]:
        return ()

    def armed(self, state: tuple[Beat, ...]) -> tuple[Beat, ...]:
        """What warm-up showed stays: the expectation is learnt there."""
        return state

    def step(self, state: tuple[Beat, ...], message: Window | Readings) -> tuple[tuple[Beat, ...], Breach | None]:
        if not isinstance(message, Window):
            return state, None
        completed = message.requests + message.task_errors
        beat = Beat(message.start, message.end, completed, message.in_flight, message.users, message)
        # counted, not timed: after a hole in the windows the expectation from before it still stands
        keep = int((self.over_s + _PATIENCE_S + _HISTORY_S) * _WINDOWS_A_SECOND)
        beats = (*state[-keep:], beat)
        if beat.users < self.min_users or not beat.in_flight:
            return beats, None
        return beats, self._stopped(beats) or self._collapsed(beats)

    def distance(self, state: tuple[Beat, ...]) -> Distance:
        if not state:
            return Distance("no windows yet", None)
        if state[-1].users < self.min_users:
            return Distance("too few users to tell", None)
        judged = self._judge(state)
        if judged.expected is None or judged.expected < self.min_expected:
            return Distance("too little traffic to tell", None)
        text = f"none completed for {judged.quiet_s:.1f} s" if judged.quiet_s else "requests complete"
        return Distance(text, min(1.0, judged.quiet_s / self.over_s))

    def _stopped(self, beats: tuple[Beat, ...]) -> Breach | None:
        if beats[-1].completed:
            return None
        quiet = _quiet(beats)
        judged = self._judge(beats)
        if judged.quiet_s < self.over_s - 1e-6 or not covers(quiet, self.over_s):
            return None
        if judged.expected is None or judged.expected < self.min_expected:
            return None
        usual_s = _usual_s(_history(beats, len(beats) - len(quiet)))
        if judged.expected_in_quiet < _QUIET_EXPECTED or judged.quiet_s < min(1.5 * usual_s, _PATIENCE_S):
            return None
        return self._breach(beats, quiet, judged.expected_in_quiet)

    def _collapsed(self, beats: tuple[Beat, ...]) -> Breach | None:
        most = _MOST * beats[-1].users
        if beats[-1].in_flight < most:
            return None
        recent = _recent(beats, self.over_s)
        if not covers(recent, self.over_s) or min(b.in_flight for b in recent) < most:
            return None
        history = _history(beats, len(beats) - len(recent))
        expected = _expected(history, recent)
        if expected is None or expected < _COLLAPSE_EXPECTED:
            return None
        if sum(b.completed for b in recent) >= _COLLAPSED * expected or self.over_s < 1.5 * _usual_s(history):
            return None
        rose = _in_flight_share(recent) >= 2 * _in_flight_share(history)
        return self._breach(beats, recent, expected) if rose else None

    def _judge(self, beats: tuple[Beat, ...]) -> Judgement:
        quiet = _quiet(beats)
        history = _history(beats, len(beats) - len(quiet))
        quiet_s = quiet[-1].end - quiet[0].start if quiet else 0.0
        rate = _rate_per_user(history)
        if rate is None:
            return Judgement(quiet_s, None, 0.0)
        return Judgement(quiet_s, rate * beats[-1].users * self.over_s, rate * sum(b.user_s for b in quiet))

    def _breach(self, beats: tuple[Beat, ...], stretch: Sequence[Beat], expected: float) -> Breach:
        last, since_s = stretch[-1], stretch[0].start
        completed = sum(b.completed for b in stretch)
        span_s = last.end - since_s
        done = "no request" if not completed else f"only {completed} request{'s' if completed > 1 else ''}"
        oldest_s = max(last.window.oldest_in_flight_s, 0.0)
        values: dict[str, float] = {
            "completed": completed,
            "expected": expected,
            "in_flight": last.in_flight,
            "users": last.users,
            "oldest_in_flight_s": oldest_s,
            "over_s": self.over_s,
            "stalled_s": span_s,
            "first_suspicious_s": since_s,
        }
        for i, b in enumerate(beats[-_TABLE:], start=1):
            told = {"end_s": b.end, "completed": b.completed, "in_flight": b.in_flight}
            values |= {f"window_{i}_{name}": value for name, value in told.items()}
        return Breach(
            t=last.end,
            condition="stall",
            source="all",
            text=f"{done} completed for {span_s:.2f} s since {since_s:.2f} s, {expected:.0f} were expected; "
            f"{last.in_flight} requests of {last.users} users are in flight, the oldest for {oldest_s:.1f} s",
            breach_at=last.end,
            values=values,
        )


def _quiet(beats: Sequence[Beat]) -> Sequence[Beat]:
    """The newest windows, without a hole, in which requests were under way and none completed."""
    first = len(beats)
    for i in range(len(beats) - 1, -1, -1):
        b = beats[i]
        stood_still = b.window.lag_ms > _LAG_MS
        hole = first < len(beats) and beats[first].start - b.end > _HOLE_S
        if b.completed or not b.in_flight or stood_still or hole:
            break
        first = i
    return beats[first:]


def _recent(beats: Sequence[Beat], over_s: float) -> Sequence[Beat]:
    """The windows of the last `over_s` seconds in which the load process ran."""
    begin = beats[-1].end - over_s + 1e-6
    return [b for b in beats if b.end > begin and b.window.lag_ms <= _LAG_MS]


def _history(beats: Sequence[Beat], until: int) -> Sequence[Beat]:
    """Up to the last 10 s that were seen before index `until`."""
    seen_s, first = 0.0, until
    while first > 0 and seen_s < _HISTORY_S:
        first -= 1
        seen_s += beats[first].end - beats[first].start
    return beats[first:until]


def _rate_per_user(history: Sequence[Beat]) -> float | None:
    """Completions per user and second; None where no user was seen."""
    user_s = sum(b.user_s for b in history)
    return sum(b.completed for b in history) / user_s if user_s > 0 else None


def _expected(history: Sequence[Beat], stretch: Sequence[Beat]) -> float | None:
    rate = _rate_per_user(history)
    return None if rate is None else rate * sum(b.user_s for b in stretch)


def _usual_s(history: Sequence[Beat]) -> float:
    """The p95 of all latencies in the history, in seconds."""
    histogram = merge(stats.histogram for b in history for stats in b.window.names.values())
    return (percentile_ms(histogram, 0.95) or 0.0) / 1000


def _in_flight_share(beats: Sequence[Beat]) -> float:
    users = sum(b.users for b in beats)
    return sum(b.in_flight for b in beats) / users if users else 0.0
