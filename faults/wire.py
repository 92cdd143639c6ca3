"""The proof on the wire: what a probe measured before the fault, under it and after it. Pure but for the probing."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from faults.fault import Effect, Measurement
from faults.probe import Probe, Sample
from faults.quantity import say_seconds
from harness.clock import Deadline
from harness.errors import ReachFailed

SILENCE_S = 1.5
_BEFORE_SAMPLES = 5
_QUIET_MS = 20.0
_SHORT_SAMPLES = 9
_SAMPLING_MS = 1000.0
_RETRY_S = 0.02
_SETTLE_S = 1.0
_SETTLE_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class WireBefore:
    """The wire without the fault: the median round trip, how far samples strayed above it, and how many bytes one
    carried, where that was asked."""

    median_ms: float
    noise_ms: float
    bytes: int = 0


class WireRule(Protocol):
    """How one fault shows on the wire."""

    @property
    def timeout_s(self) -> float:
        """How long one sample may take."""

    @property
    def expected(self) -> str: ...

    def survey(self, probe: Probe) -> WireBefore:
        """Measure the wire before the fault. Raises ReachFailed when it doesn't answer as it should, or when the fault
        could not be proven on it."""

    def prove(self, probe: Probe, before: WireBefore) -> Effect:
        """Measure under the fault."""

    def back(self, probe: Probe, before: WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether the wire is as before, and what was measured."""


def survey(probe: Probe, timeout_s: float) -> WireBefore:
    """Measure the wire before the fault. Raises ReachFailed when it doesn't answer as it should."""
    return survey_by(lambda: probe.measure(timeout_s), probe.what)


def survey_by(measure: Callable[[], Sample], what: str, count: int = _BEFORE_SAMPLES) -> WireBefore:
    """The same by another measurement. A first failure is waited out for a moment: a fault that has just been taken off
    may still be closing connections."""
    settled, pause = Deadline.after(_SETTLE_S), threading.Event()
    first = measure()  # it opens the connection, and warms what is cold
    while not (first.ok or settled.passed):
        pause.wait(_SETTLE_PAUSE_S)
        first = measure()
    samples = [first, *(measure() for _ in range(count if first.ok else 0))]
    failed = [s.error for s in samples if not s.ok]
    if failed:
        raise ReachFailed(
            f"{what} fails before the fault: {failed[0]}",
            mend="is the proxy's upstream running, and is no other fault on this proxy?",
        )
    times = [s.elapsed_ms for s in samples[1:]]
    median = statistics.median(times)
    return WireBefore(median_ms=median, noise_ms=max(times) - median, bytes=min(s.bytes for s in samples))


def on_a_share(toxicity: float) -> str:
    """ " on 50% of the connections", or nothing where it is all of them."""
    return f" on {toxicity:.0%} of the connections" if toxicity < 1 else ""


@dataclass(frozen=True, slots=True)
class Delayed:
    """Every round trip is slower by `latency_ms`, give or take `jitter_ms`, on a share `toxicity` of connections.

    `what` is measured, where it isn't a round trip."""

    latency_ms: float
    jitter_ms: float = 0.0
    toxicity: float = 1.0
    what: str = "round trip"

    @property
    def timeout_s(self) -> float:
        """Time for a new connection's first round trips too."""
        return SILENCE_S + 6 * (self.latency_ms + self.jitter_ms) / 1000

    @property
    def expected(self) -> str:
        give = f" (give or take {self.jitter_ms:g} ms)" if self.jitter_ms else ""
        return f"{self.what}s {self.latency_ms:g} ms slower{give}{on_a_share(self.toxicity)}"

    def survey(self, probe: Probe) -> WireBefore:
        return survey(probe, self.timeout_s)

    def prove(self, probe: Probe, before: WireBefore) -> Effect:
        """Sample, and compare: the median has moved far enough, and its quietest sample not too far."""
        samples: list[Sample] = []
        for _ in range(self._count()):
            if self.toxicity < 1:
                probe.renew()  # the dice are rolled once for each connection
            samples.append(probe.measure(self.timeout_s))
            if not samples[-1].ok:
                break
        return self.judge(before, samples, probe.round_trips)

    def judge(self, before: WireBefore, samples: Sequence[Sample], round_trips: int = 1) -> Effect:
        """The proof from samples under the fault."""
        answered = [s.elapsed_ms for s in samples if s.ok]
        if not answered or not samples[-1].ok:
            error = samples[-1].error if samples else "nothing was measured"
            return Effect(self.expected, Measurement(f"the probe failed: {error}"), effective=False)
        median = statistics.median(answered)
        moved = [a - before.median_ms for a in answered]
        lowest, highest = self.bounds(before, round_trips)
        text = f"{self.what} {median:.1f} ms, before {before.median_ms:.1f} ms"
        if self.toxicity < 1:
            slower = sum(lowest <= m <= highest for m in moved)
            effective = slower > 0
            text = f"{slower} of {len(moved)} connections slower: {max(answered):.1f} ms at most, {text}"
        else:
            # noise only ever adds: the quietest sample says best whether it is too much
            effective = median - before.median_ms >= lowest and min(moved) <= highest
        values = {"before_ms": before.median_ms, "during_ms": median, "moved_ms": median - before.median_ms}
        return Effect(self.expected, Measurement(text, values), effective=effective)

    def bounds(self, before: WireBefore, round_trips: int = 1) -> tuple[float, float]:
        """Between which values in ms the round trip must have moved."""
        lowest = self.latency_ms - self.jitter_ms - max(0.2 * self.latency_ms, 10.0)
        highest = self.latency_ms + self.jitter_ms + max(0.2 * self.latency_ms, 20.0)
        # however small the delay: a wire that hasn't moved must not pass
        return max(lowest, 0.4 * self.latency_ms), highest * max(round_trips, 1) + before.noise_ms

    def back(self, probe: Probe, before: WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether the wire is as before, and what was measured."""
        samples = [probe.measure(timeout_s) for _ in range(3)]
        answered = [s.elapsed_ms for s in samples if s.ok]
        if len(answered) < len(samples):
            return False, next(s.error for s in samples if not s.ok)
        limit = before.median_ms + max(0.4 * self.latency_ms, _QUIET_MS) + before.noise_ms
        return min(answered) <= limit, f"{self.what} {min(answered):.1f} ms, before the fault {before.median_ms:.1f} ms"

    def _count(self) -> int:
        """Enough for a median, and in all about a second at most."""
        return max(1, min(_SHORT_SAMPLES, int(_SAMPLING_MS / max(self.latency_ms, 1.0))))


@dataclass(frozen=True, slots=True)
class Silenced:
    """No round trip ends within `within_s`: the wire swallows it, holds it, or cuts the connection."""

    within_s: float = SILENCE_S
    toxicity: float = 1.0

    @property
    def timeout_s(self) -> float:
        return self.within_s

    @property
    def expected(self) -> str:
        return f"no answer within {say_seconds(self.within_s)}{on_a_share(self.toxicity)}"

    def survey(self, probe: Probe) -> WireBefore:
        return survey(probe, self.timeout_s)

    def prove(self, probe: Probe, before: WireBefore) -> Effect:
        """One sample under the fault; several over new connections where the toxicity is less than 1."""
        samples: list[Sample] = []
        for _ in range(1 if self.toxicity == 1 else _BEFORE_SAMPLES):
            if self.toxicity < 1:
                probe.renew()
            samples.append(probe.measure(self.within_s))
            if not samples[-1].ok:
                break
        return self.judge(before, samples)

    def judge(self, before: WireBefore, samples: Sequence[Sample]) -> Effect:
        """The proof from samples under the fault."""
        last = samples[-1]
        values = {"before_ms": before.median_ms, "during_ms": last.elapsed_ms}
        if last.ok:
            text = f"answered in {last.elapsed_ms:.1f} ms, before {before.median_ms:.1f} ms"
            return Effect(self.expected, Measurement(text, values), effective=False)
        text = f"{last.error}, before {before.median_ms:.1f} ms"
        return Effect(self.expected, Measurement(text, values), effective=True)

    def back(self, probe: Probe, before: WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether the wire answers again, and what was measured."""
        sample = probe.measure(timeout_s)
        text = f"round trip {sample.elapsed_ms:.1f} ms, before the fault {before.median_ms:.1f} ms"
        return sample.ok, text if sample.ok else sample.error


def measure_back(rule: WireRule, probe: Probe, before: WireBefore, deadline: Deadline) -> Effect:
    """Measure after healing until the wire is back or the deadline has passed."""
    expected, pause = "the wire as before the fault", threading.Event()
    while True:
        back, text = rule.back(probe, before, max(min(SILENCE_S, deadline.left_s()), 0.1))
        if back or deadline.passed:
            return Effect(expected, Measurement(text), effective=back)
        probe.renew()
        pause.wait(_RETRY_S)
