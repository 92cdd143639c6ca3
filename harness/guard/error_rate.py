"""Stop conditions on the error rate: the sequential test, and a plain ratio for those who ask for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.guard.condition import Distance
from harness.guard.sequential import Arm, Cusum, SequentialTest, ShiryaevRoberts, log_ratio
from harness.guard.sliding import covers, slide
from harness.journal.record import FAILURE_KINDS, Breach, FailureKind, Readings, Window
from harness.journal.request_glob import ALL, is_everything, matches
from harness.journal.share import interval_90, percent

_KEEP_S = 5.0
_TABLE = 12  # windows told in a breach: 3 s


class Count(NamedTuple):
    """One window's requests that the condition looks at, and how many of them failed."""

    start: float
    end: float
    requests: int
    failed: int


def count(window: Window, of: str, kinds: frozenset[FailureKind] | None) -> Count:
    """What counts in a window. A task error is a failure without a request: it counts as both where all requests
    and all kinds are looked at."""
    requests = failed = 0
    for name, stats in window.names.items():
        if matches(of, name):
            requests += stats.requests
            failed += stats.failed if kinds is None else sum(stats.failures.get(kind, 0) for kind in kinds)
    if is_everything(of) and kinds is None:
        requests += window.task_errors
        failed += window.task_errors
    return Count(window.start, window.end, requests, failed)


def _subject(of: str, kinds: frozenset[FailureKind] | None) -> str:
    kind = f" ({', '.join(k for k in FAILURE_KINDS if k in kinds)})" if kinds is not None else ""
    return f"error rate{kind}" + ("" if is_everything(of) else f" of {of}")


def _told(counts: tuple[Count, ...]) -> dict[str, float]:
    """The last windows as flat values: window_1 is the oldest."""
    values: dict[str, float] = {}
    for i, c in enumerate(counts[-_TABLE:], start=1):
        values |= {f"window_{i}_end_s": c.end, f"window_{i}_requests": c.requests, f"window_{i}_failed": c.failed}
    return values


def _rate_text(failed: int, requests: int, since_s: float) -> str:
    low, high = interval_90(failed, requests)
    share = percent(failed / max(requests, 1))
    return (
        f"{failed} of {requests} requests failed since +{since_s:.1f} s: "
        f"{share} (90% interval {percent(low)} to {percent(high)})"
    )


def _rate_values(failed: int, requests: int, since_s: float) -> dict[str, float]:
    low, high = interval_90(failed, requests)
    return {
        "requests": requests,
        "failed": failed,
        "rate": failed / max(requests, 1),
        "rate_low": low,
        "rate_high": high,
        "first_suspicious_s": since_s,
    }


@dataclass(frozen=True, slots=True)
class ErrorRateState:
    arms: tuple[Arm, ...] = ()
    recent: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The error rate is above `above` (a fraction), by a sequential test.

    `of`: "all" or a "METHOD name" glob; `kinds`: the kinds of failure that count, None for all and task errors.
    """

    above: float
    of: str = ALL
    kinds: frozenset[FailureKind] | None = None
    sensitivity: Literal["normal", "high"] = "normal"

    @property
    def test(self) -> SequentialTest:
        return Cusum(self.above) if self.sensitivity == "high" else ShiryaevRoberts(self.above)

    @property
    def text(self) -> str:
        return f"{_subject(self.of, self.kinds)} above {percent(self.above)}"

    def start(self) -> ErrorRateState:
        return ErrorRateState()

    def step(self, state: ErrorRateState, message: Window | Readings) -> tuple[ErrorRateState, Breach | None]:
        if not isinstance(message, Window):
            return state, None
        seen = count(message, self.of, self.kinds)
        arms = state.arms
        if seen.requests:
            arms = self.test.fold(arms, seen.start, seen.requests, seen.failed)
        after = ErrorRateState(arms, slide(state.recent, seen, _KEEP_S))
        total = self.test.total(arms)
        # at 100% nothing can be above
        return after, self._breach(after, total) if total >= self.test.limit and self.above < 1 else None

    def distance(self, state: ErrorRateState) -> Distance:
        requests = sum(c.requests for c in state.recent)
        if not requests:
            return Distance("no requests yet", None)
        rate = sum(c.failed for c in state.recent) / requests
        evidence = max(0.0, self.test.total(state.arms))
        limit = self.test.limit
        return Distance(f"{percent(rate)} now, evidence {evidence:.1f} of {limit:g}", min(1.0, evidence / limit))

    def _best(self, arms: tuple[Arm, ...]) -> tuple[Arm, float]:
        """The arm whose rate fits best what came since its change began; clipping makes their evidence tie."""
        base = self.test.base
        pairs = zip(arms, self.test.arms, strict=True)
        return max(pairs, key=lambda pair: log_ratio(base, pair[1], pair[0].requests, pair[0].failed))

    def _breach(self, state: ErrorRateState, total: float) -> Breach:
        arm, rate = self._best(state.arms)
        last = state.recent[-1]
        text = f"{_rate_text(arm.failed, arm.requests, arm.since_s)}; the limit is {percent(self.above)}"
        detail = f"log evidence {total:.1f} of {self.test.limit:g} needed; a rate of {percent(rate)} fits best"
        return Breach(
            t=last.end,
            condition="error_rate",
            source=self.of,
            text=f"{_subject(self.of, self.kinds)}: {text}",
            detail=detail,
            breach_at=last.end,
            values=_rate_values(arm.failed, arm.requests, arm.since_s)
            | {"limit": self.above, "evidence": total, "evidence_limit": self.test.limit, "arm": rate}
            | _told(state.recent),
        )


@dataclass(frozen=True, slots=True)
class ErrorRateOver:
    """The plain ratio of the last `over_s` seconds is above `above`; at least `min_requests`, all of `over_s` seen."""

    above: float
    over_s: float
    of: str = ALL
    kinds: frozenset[FailureKind] | None = None
    min_requests: int = 50

    @property
    def text(self) -> str:
        return f"{_subject(self.of, self.kinds)} above {percent(self.above)} over {self.over_s:g} s"

    def start(self) -> tuple[Count, ...]:
        return ()

    def step(self, state: tuple[Count, ...], message: Window | Readings) -> tuple[tuple[Count, ...], Breach | None]:
        if not isinstance(message, Window):
            return state, None
        after = slide(state, count(message, self.of, self.kinds), self.over_s)
        requests, failed = sum(c.requests for c in after), sum(c.failed for c in after)
        if requests < self.min_requests or not covers(after, self.over_s) or failed <= self.above * requests:
            return after, None
        return after, self._breach(after, requests, failed)

    def distance(self, state: tuple[Count, ...]) -> Distance:
        requests = sum(c.requests for c in state)
        if requests < self.min_requests:
            return Distance(f"{requests} requests, {self.min_requests} needed", None)
        rate = sum(c.failed for c in state) / requests
        share = min(1.0, rate / self.above) if self.above else float(rate > 0)
        return Distance(f"{percent(rate)} over {self.over_s:g} s", share)

    def _breach(self, counts: tuple[Count, ...], requests: int, failed: int) -> Breach:
        last = counts[-1]
        since_s = next(c.start for c in counts if c.failed)
        low, high = interval_90(failed, requests)
        return Breach(
            t=last.end,
            condition="error_rate",
            source=self.of,
            text=f"{_subject(self.of, self.kinds)}: {failed} of {requests} requests failed in the last "
            f"{self.over_s:g} s: {percent(failed / requests)} (90% interval {percent(low)} to {percent(high)}); "
            f"the limit is {percent(self.above)}",
            breach_at=last.end,
            values=_rate_values(failed, requests, since_s)
            | {"limit": self.above, "over_s": self.over_s}
            | _told(counts),
        )
