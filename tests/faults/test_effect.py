"""The proof at the platform: real effects are seen, and a healthy platform's own noise is not taken for one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from faults.effect import judge
from faults.observation import Observation
from harness.journal.histogram import bucket_of, merge
from harness.journal.record import RequestStats

LIST, INVEST, CERTIFICATE = "GET /apps/", "POST /investments/", "GET /certificates/download/"
# name -> (requests a second, typical ms, spread)
TRAFFIC = {LIST: (20.0, 8.0, 0.5), INVEST: (8.0, 25.0, 0.4), CERTIFICATE: (3.0, 300.0, 0.3)}


def stats(times_ms: Sequence[float], failed: int = 0) -> RequestStats:
    histogram = merge({bucket_of(ms): 1} for ms in times_ms)
    return RequestStats(requests=len(times_ms), failures={"http": failed} if failed else {}, histogram=histogram)


def platform(
    rng: random.Random,
    seconds: float,
    delay_ms: Callable[[str], float] = lambda _: 0.0,
    *,
    drift: float = 1.0,
    stall_s: float = 0.0,
) -> Observation:
    """`seconds` of a platform with natural noise: `drift` scales all times, and in a stall of `stall_s` everything
    under way waits for its end."""
    names = {}
    begun = rng.uniform(0, max(seconds - stall_s, 0))
    for name, (rate, typical, spread) in TRAFFIC.items():
        times = []
        for _ in range(_poisson(rng, rate * seconds)):
            at = rng.uniform(0, seconds)
            ms = typical * drift * math.exp(rng.gauss(0, spread)) + delay_ms(name)
            if begun <= at < begun + stall_s:
                ms += (begun + stall_s - at) * 1000
            times.append(ms)
        if times:
            names[name] = stats(times)
    return Observation(0.0, seconds, names, in_flight=rng.uniform(1, 4), sessions={"database.main": 10.0})


def _poisson(rng: random.Random, mean: float) -> int:
    return max(0, round(rng.gauss(mean, math.sqrt(mean))))


def test_a_platform_that_bypasses_the_proxy_is_practically_never_effective() -> None:
    rng = random.Random(7)
    seen = 0
    for _ in range(300):
        before = platform(rng, 15, stall_s=rng.choice([0, 0, 0.2]))
        drift, stall_s = rng.uniform(0.85, 1.15), rng.choice([0, 0, 0, 0.3])
        for seconds in (1.3, 2.3, 4.3, 8.3, 18.3):  # judged again and again, as a run does
            during = platform(rng, seconds, drift=drift, stall_s=stall_s)
            seen += judge(before, during, delay_ms=50, sessions="database.main").effective is True
    assert seen <= 3


def test_50_ms_on_one_kind_of_request_among_many_is_seen() -> None:
    rng = random.Random(8)
    results = [
        judge(platform(rng, 15), platform(rng, 8, lambda n: 50.0 if n == INVEST else 0.0), delay_ms=50).effective
        for _ in range(60)
    ]
    assert results.count(True) == 60


def test_50_ms_on_the_cache_misses_of_one_request_is_seen() -> None:
    rng = random.Random(9)
    results = [
        judge(
            platform(rng, 15),
            platform(rng, 15, lambda n: 50.0 if n == LIST and rng.random() < 0.3 else 0.0),
            delay_ms=50,
        ).effective
        for _ in range(60)
    ]
    assert results.count(True) >= 58


def test_nothing_moved_is_false_and_too_little_is_unknown() -> None:
    rng = random.Random(10)
    before = platform(rng, 15)
    assert judge(before, platform(rng, 5), delay_ms=50).effective is False
    assert judge(before, platform(rng, 1), delay_ms=50).effective is None
    assert judge(platform(rng, 0.1), platform(rng, 5), delay_ms=50).effective is None


def seen(requests: int, seconds: float, *, failed: int = 0, in_flight: float = 2.0, **more: object) -> Observation:
    names = {LIST: stats([10.0] * requests, failed)} if requests else {}
    return Observation(0.0, seconds, names, in_flight=in_flight, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("during", "sign"),
    [
        (seen(60, 2, failed=20), "error rate 0.0% before, 33.3% under the fault"),
        (seen(0, 2, in_flight=50), "0.0 under the fault, with 50 under way"),
        (seen(20, 2, in_flight=50), "with 50 under way"),
        (seen(60, 2, task_errors=12), "broken tasks"),
        (seen(60, 3, sessions={"database.main": 0.0}), "database.main: 10.0 sessions before, 0.0"),
        (seen(60, 3, sessions={"database.main": 30.0}), "database.main: 10.0 sessions before, 30.0"),
    ],
)
def test_failing_hanging_and_lost_sessions_are_signs(during: Observation, sign: str) -> None:
    before = seen(600, 15, sessions={"database.main": 10.0})
    effect = judge(before, during, delay_ms=None, sessions="database.main")
    assert effect.effective is True
    assert sign in effect.measured.text


@pytest.mark.parametrize(
    "during",
    [
        seen(160, 4, failed=3),
        seen(60, 4, in_flight=2),  # users who leave: fewer requests, and none under way
        seen(160, 4, task_errors=3),
        seen(160, 4, sessions={"database.main": 7.0}),
        seen(160, 4, sessions={"database.main": 14.0}),
    ],
)
def test_small_changes_are_no_signs(during: Observation) -> None:
    before = seen(600, 15, sessions={"database.main": 10.0})
    assert judge(before, during, delay_ms=None, sessions="database.main").effective is False


def test_no_traffic_at_all_proves_nothing() -> None:
    assert judge(seen(0, 15, in_flight=0), seen(0, 15, in_flight=0), delay_ms=50).effective is None


@pytest.mark.parametrize(
    ("commands", "requests", "seen_so"),
    [(3.0, 200, True), (20.0, 200, False), (3.0, 30, False), (20.0, 100, False)],
    ids=["far fewer", "half as many", "as many for each request", "fewer requests"],
)
def test_a_cache_that_is_asked_far_less_is_an_effect_on_a_platform_that_does_without_it(
    commands: float, requests: int, seen_so: bool
) -> None:
    before = Observation(0, 15, {LIST: stats([8.0] * 600)}, commands={"cache.main": 40.0})
    during = Observation(15, 20, {LIST: stats([8.0] * requests)}, commands={"cache.main": commands})
    effect = judge(before, during, delay_ms=None, sessions="cache.main")
    assert ("commands a second before" in effect.measured.text) is seen_so
    assert judge(before, during, delay_ms=None, sessions="database.main").effective is not True


@pytest.mark.parametrize(
    ("lately", "now", "delay_ms", "seen_so"),
    [
        (16.0, 3.0, None, True),
        (3.5, 3.0, None, False),
        (16.0, 3.0, 300.0, False),
        (16.0, 40.0, 300.0, True),
        (40.0, 42.0, None, False),
    ],
    ids=["cut by it", "cut by an earlier fault", "cut, but not by a delay", "piled up", "piled up before"],
)
def test_sessions_that_an_earlier_fault_has_moved_prove_nothing(
    lately: float, now: float, delay_ms: float | None, seen_so: bool
) -> None:
    before = Observation(0, 15, {LIST: stats([8.0] * 600)}, sessions={"cache.main": 16.0},
                         sessions_lately={"cache.main": lately})  # fmt: skip
    during = Observation(40, 46, {LIST: stats([8.0] * 240)}, sessions={"cache.main": now})
    effect = judge(before, during, delay_ms=delay_ms, sessions="cache.main")
    assert effect.effective is seen_so


def test_a_few_of_each_of_many_requests_are_too_little_to_say_that_nothing_moved() -> None:
    before = Observation(0.0, 5.0, {f"GET /{n}/": stats([20.0] * 9) for n in range(4)})
    during = Observation(5.0, 15.0, {f"GET /{n}/": stats([80.0] * 40) for n in range(4)})
    effect = judge(before, during, delay_ms=60)
    assert effect.effective is None
    assert effect.measured.text.startswith("too little was seen: no request came 20 times before the fault")
