"""Windows as a platform would send them, four a second."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from harness.journal.histogram import bucket_of
from harness.journal.record import FailureKind, RequestStats, Window

STEP_S = 0.25


@dataclass
class Traffic:
    """Makes windows one after the other; the clock goes on by itself."""

    now_s: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(1))

    def window(
        self,
        requests: int = 12,
        failed: int = 0,
        *,
        kind: FailureKind = "http",
        latency_ms: float = 20.0,
        users: int = 100,
        in_flight: int = 1,
        name: str = "GET /api/v1/apps/",
        task_errors: int = 0,
        lag_ms: float = 1.0,
        step_s: float = STEP_S,
    ) -> Window:
        start, self.now_s = self.now_s, self.now_s + step_s
        stats = RequestStats(
            requests=requests,
            failures={kind: failed} if failed else {},
            histogram={bucket_of(latency_ms): requests} if requests else {},
        )
        return Window(
            t=self.now_s,
            start=start,
            end=self.now_s,
            names={name: stats} if requests else {},
            users=users,
            in_flight=in_flight,
            oldest_in_flight_s=0.01 if in_flight else 0.0,
            task_errors=task_errors,
            lag_ms=lag_ms,
        )

    def poisson(self, mean: float) -> int:
        count, reached = 0, self.random.expovariate(1.0)
        while reached < mean:
            count += 1
            reached += self.random.expovariate(1.0)
        return count

    def at_rate(self, rps: float, error_rate: float, seconds: float, **more: int) -> Iterator[Window]:
        """Poisson traffic of `rps` with independent errors."""
        for _ in range(round(seconds / STEP_S)):
            requests = self.poisson(rps * STEP_S)
            failed = sum(self.random.random() < error_rate for _ in range(requests))
            yield self.window(requests, failed, **more)


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def traffic_seeded() -> Callable[[int], Traffic]:
    return lambda seed: Traffic(random=random.Random(seed))
