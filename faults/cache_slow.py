"""Cache slow: commands wait, since the server is paused for a moment again and again (CLIENT PAUSE, all commands).

It needs no proxy. Every pause ends by itself, so that nothing stays when nobody asks for the next one. Servers look at
its end ten times a second (their `hz`), so it lasts up to 0.1 s longer than asked: for less than that, there is
`latency` on a proxy. Proven through the data path that the platform uses, by commands sent at random moments.
"""

from __future__ import annotations

import random
import statistics
import threading
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults import wire
from faults.cache_pause import PausedCache
from faults.cache_server import CacheServer
from faults.fault import Effect, FaultPlan, Measurement
from faults.pause_holder import LATE_S, Rhythm
from faults.probe import Probe, Sample
from faults.quantity import Seconds, say_seconds

_SAMPLES = 20
_LEAST_SAMPLES = 8
_SAMPLING_S = 4.0
_QUIET_MS = 20.0


class CacheSlowParams(BaseModel):
    """`pause`: how long commands are held each time. `open`: how long they pass in between."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pause: Annotated[Seconds, Field(ge=0.05, le=1.0, description="how long commands are held")] = 0.1
    open: Annotated[Seconds, Field(ge=0.005, le=1.0, description="how long they pass in between")] = 0.02

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm("all", self.pause, self.open)

    @property
    def mean_ms(self) -> float:
        """What a command sent at a random moment waits on average, at least: pause^2 / (2 (pause + open))."""
        return 1000 * self.pause**2 / (2 * (self.pause + self.open))


@dataclass(frozen=True, slots=True)
class Halting:
    """Commands at random moments wait `mean_ms` on average at least; turns last `turn_ms` at most."""

    mean_ms: float
    turn_ms: float

    @property
    def timeout_s(self) -> float:
        return wire.SILENCE_S + 4 * self.turn_ms / 1000

    @property
    def expected(self) -> str:
        return f"commands {self.mean_ms:.3g} ms slower on average, or more"

    def survey(self, probe: Probe) -> wire.WireBefore:
        return wire.survey(probe, self.timeout_s)

    def prove(self, probe: Probe, before: wire.WireBefore) -> Effect:
        """Samples with pauses of random length between them; a command right after another would meet an open
        moment."""
        pause, samples = threading.Event(), list[Sample]()
        for _ in range(self._count()):
            pause.wait(random.uniform(0, self.turn_ms / 1000))  # noqa: S311 - a moment, no secret
            samples.append(probe.measure(self.timeout_s))
            if not samples[-1].ok:
                break
        return self.judge(before, samples)

    def judge(self, before: wire.WireBefore, samples: list[Sample]) -> Effect:
        """The proof from samples under the fault: their mean has moved by half of what is expected at least. A mean of
        8 waits between 0 and a pause strays by a fifth of what it is."""
        if not samples[-1].ok:
            return Effect(self.expected, Measurement(f"the probe failed: {samples[-1].error}"), effective=False)
        mean, longest = statistics.fmean(s.elapsed_ms for s in samples), max(s.elapsed_ms for s in samples)
        moved = mean - before.median_ms
        text = f"commands {mean:.1f} ms on average, {longest:.1f} ms at most; before {before.median_ms:.1f} ms"
        values = {"before_ms": before.median_ms, "during_ms": mean, "moved_ms": moved, "longest_ms": longest}
        return Effect(self.expected, Measurement(text, values), effective=moved >= 0.5 * self.mean_ms)

    def back(self, probe: Probe, before: wire.WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether the wire is as before, and what was measured: longer than a turn, since open moments look sound."""
        samples = [probe.measure(timeout_s)]
        pause, count = threading.Event(), 6
        for _ in range(count):
            pause.wait(self.turn_ms / 1000 / count)
            samples.append(probe.measure(timeout_s))
        failed = [s.error for s in samples if not s.ok]
        if failed:
            return False, failed[0]
        median = statistics.median(s.elapsed_ms for s in samples)
        limit = before.median_ms + max(0.4 * self.mean_ms, _QUIET_MS) + before.noise_ms
        return median <= limit, f"commands {median:.1f} ms, before the fault {before.median_ms:.1f} ms"

    def _count(self) -> int:
        within = _SAMPLING_S * 1000 / (self.mean_ms + self.turn_ms / 2)
        return max(_LEAST_SAMPLES, min(_SAMPLES, int(within)))


def cache_slow(plan: FaultPlan, server: CacheServer, run: str) -> PausedCache:
    """The fault of a plan whose params are CacheSlowParams."""
    params = plan.params
    assert isinstance(params, CacheSlowParams)
    turn_ms = 1000 * (params.pause + params.open + LATE_S)
    rule = Halting(params.mean_ms, turn_ms)
    return PausedCache(plan, server, run, rhythm=params.rhythm, rule=rule, delay_ms=params.mean_ms)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, CacheSlowParams)
    pause, gap = say_seconds(params.pause), say_seconds(params.open)
    return f"commands are held for {pause} (and up to 100 ms more) again and again, and pass for {gap} in between"
