"""Sequential tests of "the error rate is at most the threshold": evidence grows window by window and fades.

A ratio over a few seconds halts falsely hundreds of times an hour at half the threshold; these don't, because they
ask how much likelier the windows are under a higher rate. Likelihoods are tempered (errors come in bursts) and each
window's say is clipped, so that no single window can halt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

_TEMPER = 2.0
_LOWEST_RATE = 1e-4  # "above 0%" still needs a rate to compare with
_HIGHEST_RATE = 1 - 1e-6
_ARM_CAP = 0.9


class Arm(NamedTuple):
    """The evidence for one higher rate. `page` is Page's sum of the same terms: where it last left 0, the change
    began. `requests` and `failed` are counted since that window."""

    evidence: float = -math.inf
    page: float = 0.0
    since_s: float = 0.0
    requests: int = 0
    failed: int = 0


class SequentialTest(Protocol):
    """`arms`: the higher rates it looks for; halts when `total` of the state reaches `limit`."""

    @property
    def limit(self) -> float: ...

    @property
    def base(self) -> float: ...

    @property
    def arms(self) -> tuple[float, ...]: ...

    def fold(self, state: tuple[Arm, ...], start_s: float, requests: int, failed: int) -> tuple[Arm, ...]: ...

    def total(self, state: tuple[Arm, ...]) -> float: ...


def log_ratio(base: float, higher: float, requests: int, failed: int) -> float:
    """The tempered log-likelihood of `higher` against `base`."""
    good = requests - failed
    return (failed * math.log(higher / base) + good * math.log((1 - higher) / (1 - base))) / _TEMPER


def _dated(arm: Arm, evidence: float, page: float, seen: tuple[float, int, int]) -> Arm:
    """The arm after one more window, `seen` as (start, requests, failed): where `page` leaves 0 it counts anew."""
    start_s, requests, failed = seen
    if page <= 0.0:
        return Arm(evidence)
    if arm.page == 0.0:
        return Arm(evidence, page, start_s, requests, failed)
    return Arm(evidence, page, arm.since_s, arm.requests + requests, arm.failed + failed)


@dataclass(frozen=True, slots=True)
class ShiryaevRoberts:
    """A mixture Shiryaev-Roberts e-detector over three arms. With errors independent and at the threshold itself,
    the mean time to a false halt is at least e^14 windows (83 hours of 250 ms)."""

    threshold: float
    limit: float = 14.0
    clip: float = 5.0

    @property
    def base(self) -> float:
        return min(max(self.threshold, _LOWEST_RATE), _HIGHEST_RATE)

    @property
    def arms(self) -> tuple[float, ...]:
        base = self.base
        cap = max(_ARM_CAP, (1 + base) / 2)
        return (min(cap, base * 2), min(cap, base * 5), min(cap, base * 20))

    def fold(self, state: tuple[Arm, ...], start_s: float, requests: int, failed: int) -> tuple[Arm, ...]:
        base, seen = self.base, (start_s, requests, failed)
        after = []
        for arm, higher in zip(state or (Arm(),) * 3, self.arms, strict=True):
            gain = min(self.clip, log_ratio(base, higher, requests, failed))
            after.append(_dated(arm, _log_1p_exp(arm.evidence) + gain, arm.page + gain, seen))
        return tuple(after)

    def total(self, state: tuple[Arm, ...]) -> float:
        top = max((arm.evidence for arm in state), default=-math.inf)
        if top == -math.inf:
            return top
        return top + math.log(sum(math.exp(arm.evidence - top) for arm in state) / len(state))


@dataclass(frozen=True, slots=True)
class Cusum:
    """Page's CUSUM from half the threshold to twice it: three times faster at twice the threshold, and it halts
    falsely a few times an hour when the true rate is just below it."""

    threshold: float
    limit: float = 10.0
    clip: float = 4.0

    @property
    def base(self) -> float:
        return min(max(self.threshold, _LOWEST_RATE), _HIGHEST_RATE) / 2

    @property
    def arms(self) -> tuple[float, ...]:
        return (min(max(_ARM_CAP, (1 + self.base) / 2), self.base * 4),)

    def fold(self, state: tuple[Arm, ...], start_s: float, requests: int, failed: int) -> tuple[Arm, ...]:
        (arm,) = state or (Arm(),)
        gain = min(self.clip, log_ratio(self.base, self.arms[0], requests, failed))
        page = max(0.0, arm.page + gain)
        return (_dated(arm, page, page, (start_s, requests, failed)),)

    def total(self, state: tuple[Arm, ...]) -> float:
        return state[0].page if state else 0.0


def _log_1p_exp(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))
