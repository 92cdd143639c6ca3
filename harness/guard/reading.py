"""The stop condition on a reading of a resource: every reading of a stretch lies beyond the limit."""

from __future__ import annotations

from dataclasses import dataclass

from harness.guard.condition import Distance
from harness.journal.record import Breach, Readings, Window

_MISSED_S = 3.0  # readings come once a second: two in a row may be missing before it is a gap


@dataclass(frozen=True, slots=True)
class Streak:
    """Readings beyond the limit without a break: how many, from when to when, the last value seen of all."""

    readings: int = 0
    since_s: float = 0.0
    last_s: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    value: float | None = None


@dataclass(frozen=True, slots=True)
class ReadingLimit:
    """All readings of `reading` ("app-1.cpu") in the last `over_s` seconds are above `above`, or below `below`.

    At least two readings that span `over_s`. A gap is no breach: what was not read counts for nothing.
    """

    reading: str
    above: float | None = None
    below: float | None = None
    over_s: float = 0.0

    @property
    def limit_text(self) -> str:
        limits = [f"above {self.above:g}"] if self.above is not None else []
        if self.below is not None:
            limits.append(f"below {self.below:g}")
        return " or ".join(limits)

    @property
    def text(self) -> str:
        return f"{self.reading} {self.limit_text} over {self.over_s:g} s"

    def start(self) -> Streak:
        return Streak()

    def step(self, state: Streak, message: Window | Readings) -> tuple[Streak, Breach | None]:
        source, _, name = self.reading.rpartition(".")
        if not isinstance(message, Readings) or message.source != source or name not in message.values:
            return state, None
        after = self._extend(state, message.t, message.values[name])
        if after.readings < 2 or after.last_s - after.since_s < self.over_s - 1e-6:
            return after, None
        return after, self._breach(after)

    def distance(self, state: Streak) -> Distance:
        if state.value is None:
            return Distance("no reading yet", None)
        held_s = state.last_s - state.since_s if state.readings else 0.0
        text = f"{state.value:.3g}" + (f" for {held_s:.0f} s" if state.readings else "")
        return Distance(text, max(self._nearness(state.value), 1.0 if state.readings else 0.0))

    def _extend(self, state: Streak, t: float, value: float) -> Streak:
        if not self._is_beyond(value):
            return Streak(value=value)
        if state.readings == 0 or t - state.last_s > max(_MISSED_S, self.over_s / 4):
            return Streak(1, t, t, value, value, value)
        low, high = min(state.lowest, value), max(state.highest, value)
        return Streak(state.readings + 1, state.since_s, t, low, high, value)

    def _is_beyond(self, value: float) -> bool:
        too_high = self.above is not None and value > self.above
        return too_high or (self.below is not None and value < self.below)

    def _nearness(self, value: float) -> float:
        shares = [0.0]
        if self.above:
            shares.append(value / self.above)
        if self.below is not None and value > 0:
            shares.append(self.below / value)
        return min(1.0, max(shares))

    def _breach(self, streak: Streak) -> Breach:
        return Breach(
            t=streak.last_s,
            condition="reading",
            source=self.reading,
            text=f"{self.reading} was {self.limit_text} in all {streak.readings} readings of "
            f"{streak.last_s - streak.since_s:.1f} s ({streak.lowest:.3g} to {streak.highest:.3g})",
            breach_at=streak.last_s,
            values={
                "value": streak.value if streak.value is not None else 0.0,
                "lowest": streak.lowest,
                "highest": streak.highest,
                "readings": streak.readings,
                "over_s": self.over_s,
                "first_suspicious_s": streak.since_s,
            },
        )
