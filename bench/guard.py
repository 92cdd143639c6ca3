"""How often the error-rate conditions halt falsely, how soon they halt rightly, and what a window costs.

    python bench/guard.py [HOURS]

Simulated Poisson traffic, independent errors, windows of 250 ms, threshold 1%. Ratios, no test.
"""

# ruff: noqa: INP001 - a script of its own, no package
from __future__ import annotations

import math
import random
import statistics
import sys
import timeit
from collections.abc import Iterator

from harness.guard.condition import Condition
from harness.guard.error_rate import ErrorRate, ErrorRateOver
from harness.guard.guard import Guard
from harness.guard.percentile import Percentile
from harness.guard.stall import Stall
from harness.journal.histogram import bucket_of
from harness.journal.record import Breach, RequestStats, Window

STEP_S = 0.25
RULES: dict[str, ErrorRate | ErrorRateOver] = {
    "sequential": ErrorRate(above=0.01),
    "sequential, high": ErrorRate(above=0.01, sensitivity="high"),
    "ratio over 3 s": ErrorRateOver(above=0.01, over_s=3.0),
}


def windows(rps: float, error_rate: float, seconds: float, seed: int) -> Iterator[Window]:
    rng = random.Random(seed)  # noqa: S311 - a simulation
    mean = rps * STEP_S
    for i in range(round(seconds / STEP_S)):
        requests = max(0, round(rng.gauss(mean, math.sqrt(mean))))
        failed = sum(rng.random() < error_rate for _ in range(requests))
        stats = RequestStats.model_construct(requests=requests, failures={"http": failed}, histogram={})
        yield Window.model_construct(start=i * STEP_S, end=(i + 1) * STEP_S, names={"GET /": stats}, task_errors=0)


def false_halts_an_hour(rule: ErrorRate | ErrorRateOver, rps: float, hours: float) -> float:
    state, halts = rule.start(), 0
    for window in windows(rps, 0.005, hours * 3600, seed=1):
        state, breach = rule.step(state, window)  # type: ignore[arg-type]
        if breach:
            state, halts = rule.start(), halts + 1
    return halts / hours


def delay_s(rule: ErrorRate | ErrorRateOver, rps: float, error_rate: float, seed: int) -> float:
    state = rule.start()
    breach: Breach | None = None
    for window in windows(rps, 0.005, 60, seed):
        state, _ = rule.step(state, window)  # type: ignore[arg-type]
    for window in windows(rps, error_rate, 120, seed + 1000):
        state, breach = rule.step(state, window)  # type: ignore[arg-type]
        if breach:
            return breach.breach_at
    return math.inf


def cost_ms() -> float:
    histogram = {bucket_of(10.0 + n): 1 for n in range(20)}
    names = {f"GET /api/{i}/": RequestStats(requests=20, histogram=histogram) for i in range(20)}
    several = [Window(start=i * STEP_S, end=(i + 1) * STEP_S, names=names, users=100, in_flight=5) for i in range(1000)]
    conditions: list[Condition] = [
        ErrorRate(0.01),
        Percentile(0.95, "* /api/*", 1e6, 5.0),
        Stall(1.0),
        ErrorRateOver(0.5, 3.0),
    ]

    def play() -> None:
        guard = Guard(conditions)
        guard.arm()
        for window in several:
            guard.see(window)

    return min(timeit.repeat(play, number=1, repeat=5)) / len(several) * 1000


def main() -> None:
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    for rps in (50.0, 500.0):
        for name, rule in RULES.items():
            halts = false_halts_an_hour(rule, rps, hours)
            delays = [statistics.median(delay_s(rule, rps, e, s) for s in range(15)) for e in (0.05, 0.2, 1.0)]
            told = " / ".join(f"{d:.2f}" for d in delays)
            print(f"{rps:4.0f} req/s  {name:18} {halts:7.1f} false halts/h   5% / 20% / 100% found in {told} s")  # noqa: T201 - a bench prints
    print(f"one window of 20 names, 4 conditions: {cost_ms():.3f} ms")  # noqa: T201 - a bench prints


if __name__ == "__main__":
    main()
