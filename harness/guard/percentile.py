"""The stop condition on a latency percentile of a group of requests, over a sliding stretch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from harness.guard.condition import Distance
from harness.guard.sliding import covers, slide
from harness.journal.histogram import bucket_of, merge, middle_ms, percentile_ms
from harness.journal.record import Breach, Readings, Window
from harness.journal.request_glob import matches

_TABLE = 12  # windows told in a breach: 3 s


class Latencies(NamedTuple):
    """One window of the group: how many requests, how many of them above the limit, and their histograms."""

    start: float
    end: float
    requests: int
    above: int
    histograms: tuple[Mapping[int, int], ...]


@dataclass(frozen=True, slots=True)
class Percentile:
    """The `fraction` percentile of the requests that `of` means is above `above_ms` over the last `over_s` seconds.

    Never on fewer than `min_requests`, and never before all of `over_s` was seen.
    """

    fraction: float
    of: str
    above_ms: float
    over_s: float
    min_requests: int = 20

    @property
    def label(self) -> str:
        return f"p{self.fraction * 100:g}"

    @property
    def text(self) -> str:
        return f"{self.label} of {self.of} above {self.above_ms:g} ms over {self.over_s:g} s"

    def start(self) -> tuple[Latencies, ...]:
        return ()

    def step(
        self, state: tuple[Latencies, ...], message: Window | Readings
    ) -> tuple[tuple[Latencies, ...], Breach | None]:
        if not isinstance(message, Window):
            return state, None
        after = slide(state, self._latencies(message), self.over_s)
        requests, above = sum(s.requests for s in after), sum(s.above for s in after)
        # the same rank as histogram.percentile_ms, without merging histograms four times a second
        is_above = requests - above < max(1, math.ceil(self.fraction * requests))
        if requests < self.min_requests or not is_above or not covers(after, self.over_s):
            return after, None
        return after, self._breach(after, requests, above)

    def distance(self, state: tuple[Latencies, ...]) -> Distance:
        value = percentile_ms(_merged(state), self.fraction)
        if value is None:
            return Distance("no requests yet", None)
        share = min(1.0, value / self.above_ms) if self.above_ms else 1.0
        return Distance(f"{value:.0f} ms of {self.above_ms:g} ms", share)

    def _latencies(self, window: Window) -> Latencies:
        limit = bucket_of(self.above_ms)
        if middle_ms(limit) > self.above_ms:
            limit -= 1
        histograms = tuple(stats.histogram for name, stats in window.names.items() if matches(self.of, name))
        requests = sum(sum(h.values()) for h in histograms)
        above = sum(n for h in histograms for bucket, n in h.items() if bucket > limit)
        return Latencies(window.start, window.end, requests, above, histograms)

    def _breach(self, slices: tuple[Latencies, ...], requests: int, above: int) -> Breach:
        value = percentile_ms(_merged(slices), self.fraction) or 0.0
        last = slices[-1]
        values: dict[str, float] = {
            "value_ms": value,
            "limit_ms": self.above_ms,
            "over_s": self.over_s,
            "requests": requests,
            "above": above,
            "first_suspicious_s": next(s.start for s in slices if s.above),
        }
        for i, s in enumerate(slices[-_TABLE:], start=1):
            values |= {f"window_{i}_end_s": s.end, f"window_{i}_requests": s.requests, f"window_{i}_above": s.above}
        return Breach(
            t=last.end,
            condition=self.label,
            source=self.of,
            text=f"{self.label} of {self.of} was {value:.0f} ms over the last {self.over_s:g} s, "
            f"the limit is {self.above_ms:g} ms ({above} of {requests} requests were slower)",
            breach_at=last.end,
            values=values,
        )


def _merged(slices: tuple[Latencies, ...]) -> dict[int, int]:
    return merge(h for s in slices for h in s.histograms)
