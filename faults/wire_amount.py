"""The proof on the wire for what grows with the bytes that are carried: a bandwidth, slices, a limit of data."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from faults.fault import Effect, Measurement
from faults.probe import Probe, Sample, Stream
from faults.quantity import say_seconds, say_size
from faults.wire import SILENCE_S, WireBefore, on_a_share, survey_by
from harness.errors import ReachFailed

LEAST_MS = 10.0
"""What the carrying must take longer at least, to be told from none."""
_AIMED_MS = 300.0
_SAMPLING_MS = 1000.0
_MOST_SAMPLES = 7
_SHARE_SAMPLES = 5
# requests may be written to the server's log
_MOST_BYTES = {"upstream": 256_000, "downstream": 8_000_000}
_OPENING_BYTES = 6000
_PIECE_BYTES = {"upstream": 64_000, "downstream": 1_000_000}
_LIMIT_MARGIN_BYTES = 1024
_ABOUT_BYTES = 64  # a probe counts bytes about so exactly
_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Slowed:
    """What is carried in one direction takes longer, between `least_ms(bytes)` and `most_ms(bytes)`.

    `what` reads aloud: "64 KB/s downstream". `per_byte_ms`: about how much longer each byte takes. `least_bytes`: fewer
    show nothing.
    """

    what: str
    stream: Stream
    per_byte_ms: float
    least_ms: Callable[[int], float]
    most_ms: Callable[[int], float]
    toxicity: float = 1.0
    least_bytes: int = 64

    @property
    def amount_bytes(self) -> int:
        """What is asked of the probe: enough to take a third of a second, where it can."""
        return max(self.least_bytes, min(_MOST_BYTES[self.stream], int(_AIMED_MS / self.per_byte_ms)))

    @property
    def timeout_s(self) -> float:
        """Time for opening a connection, too."""
        return SILENCE_S + (2 * self.most_ms(self.amount_bytes) + self.most_ms(_OPENING_BYTES)) / 1000

    @property
    def expected(self) -> str:
        return f"{self.what}{on_a_share(self.toxicity)}"

    def survey(self, probe: Probe) -> WireBefore:
        before = survey_by(lambda: self._carry(probe, self.timeout_s), probe.what)
        least, free = self.least_ms(before.bytes), before.median_ms
        if least < max(LEAST_MS, 0.3 * free):
            raise ReachFailed(
                f"{self.what} can't be proven: a probe by {probe.what} carries {say_size(before.bytes)} {self.stream}, "
                f"which would take {say_seconds(least / 1000)} longer, and takes {say_seconds(free / 1000)} without it",
                mend=f"choose a stronger fault, or a probe that carries more {self.stream}",
            )
        return before

    def prove(self, probe: Probe, before: WireBefore) -> Effect:
        """Carry as much as in the survey, several times."""
        samples: list[Sample] = []
        for _ in range(self._count(before.bytes)):
            if self.toxicity < 1:
                probe.renew()  # the dice are rolled once for each connection
            samples.append(self._carry(probe, self.timeout_s))
            if not samples[-1].ok or sum(s.elapsed_ms for s in samples) >= _SAMPLING_MS:
                break
        return self.judge(before, samples)

    def judge(self, before: WireBefore, samples: list[Sample]) -> Effect:
        """The proof from samples under the fault."""
        if not samples[-1].ok:
            return Effect(self.expected, Measurement(f"the probe failed: {samples[-1].error}"), effective=False)
        times = [s.elapsed_ms for s in samples]
        moved = [t - before.median_ms for t in times]
        least, most = 0.5 * self.least_ms(before.bytes), 1.5 * self.most_ms(before.bytes) + 50 + before.noise_ms
        median = statistics.median(times)
        if self.toxicity < 1:
            slower = [t for t, m in zip(times, moved, strict=True) if least <= m <= most]
            effective, shown = bool(slower), min(slower, default=max(times))
        else:
            # noise only ever adds: the quietest sample says best whether it is too much
            effective, shown = median - before.median_ms >= least and min(moved) <= most, median
        text = f"{say_size(before.bytes)} {self.stream} took {shown:.1f} ms, before {before.median_ms:.1f} ms"
        values = {"before_ms": before.median_ms, "during_ms": shown, "carried_bytes": float(before.bytes)}
        rate = before.bytes / max(shown / 1000, 1e-6)
        return Effect(self.expected, Measurement(text, {**values, "bytes_per_s": rate}), effective=effective)

    def back(self, probe: Probe, before: WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether as much takes as long as before, and what was measured."""
        samples = [self._carry(probe, timeout_s) for _ in range(3)]
        if failed := [s.error for s in samples if not s.ok]:
            return False, failed[0]
        quickest = min(s.elapsed_ms for s in samples)
        limit = before.median_ms + 0.7 * self.least_ms(before.bytes) + before.noise_ms
        text = f"{say_size(before.bytes)} {self.stream} took {quickest:.1f} ms, before the fault {before.median_ms:.1f}"
        return quickest <= limit, f"{text} ms"

    def _carry(self, probe: Probe, timeout_s: float) -> Sample:
        return probe.carry(self.stream, self.amount_bytes, timeout_s)

    def _count(self, carried_bytes: int) -> int:
        if self.toxicity < 1:
            return _SHARE_SAMPLES
        return max(1, min(_MOST_SAMPLES, int(_SAMPLING_MS / max(self.least_ms(carried_bytes), 1.0))))


@dataclass(frozen=True, slots=True)
class Limited:
    """A connection is closed once it has carried `limit_bytes` in one direction."""

    limit_bytes: int
    stream: Stream
    toxicity: float = 1.0

    @property
    def timeout_s(self) -> float:
        return _LIMIT_S

    @property
    def expected(self) -> str:
        share = on_a_share(self.toxicity)
        return f"connections closed after {say_size(self.limit_bytes)} {self.stream}{share}"

    def survey(self, probe: Probe) -> WireBefore:
        def carried() -> Sample:
            probe.renew()
            return self._carry(probe, _LIMIT_S)

        before = survey_by(carried, probe.what, count=1)
        probe.renew()
        if before.bytes <= self.limit_bytes + _ABOUT_BYTES:
            raise ReachFailed(
                f"a limit of {say_size(self.limit_bytes)} can't be proven: a probe by {probe.what} carries "
                f"{say_size(before.bytes)} {self.stream}",
                mend=f"choose fewer bytes, or a probe that carries more {self.stream}",
            )
        return before

    def prove(self, probe: Probe, before: WireBefore) -> Effect:
        """Carry as much as in the survey over a new connection: it must be closed on the way."""
        sample = Sample(ok=True, elapsed_ms=0.0)
        for _ in range(1 if self.toxicity == 1 else _SHARE_SAMPLES):
            probe.renew()
            sample = self._carry(probe, SILENCE_S)
            if self._was_cut(sample, before):
                break
        return self.judge(before, sample)

    def judge(self, before: WireBefore, sample: Sample) -> Effect:
        """The proof from the last sample under the fault. Silence is no close."""
        cut = self._was_cut(sample, before)
        amount = f"{say_size(before.bytes)} {self.stream}"
        if sample.ok and not cut:
            text = f"{amount} came through"
        else:
            text = f"{sample.error or 'the answer was cut off'}; before the fault, {amount} came through"
        values = {"before_ms": before.median_ms, "during_ms": sample.elapsed_ms, "asked_bytes": float(before.bytes)}
        return Effect(self.expected, Measurement(text, values), effective=cut)

    def back(self, probe: Probe, before: WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether as much comes through again, and what was measured."""
        probe.renew()
        sample = self._carry(probe, timeout_s)
        text = f"{say_size(sample.bytes)} {self.stream} came through in {sample.elapsed_ms:.1f} ms"
        return sample.ok and not self._was_cut(sample, before), text if sample.ok else sample.error

    def _was_cut(self, sample: Sample, before: WireBefore) -> bool:
        if not sample.ok:
            return not (sample.silent or sample.refused)
        # an answer that only its connection's end ends is cut off without an error
        return sample.bytes <= self.limit_bytes + _ABOUT_BYTES < before.bytes

    def _carry(self, probe: Probe, timeout_s: float) -> Sample:
        """More than the limit over one connection, where the probe keeps one; else what one sample carries."""
        wanted, carried, elapsed_ms = self.limit_bytes + _LIMIT_MARGIN_BYTES, 0, 0.0
        while True:
            sample = probe.carry(self.stream, min(wanted - carried, _PIECE_BYTES[self.stream]), timeout_s)
            carried, elapsed_ms = carried + sample.bytes, elapsed_ms + sample.elapsed_ms
            if not sample.ok or not probe.keeps_connection or carried >= wanted:
                return Sample(sample.ok, elapsed_ms, sample.error, sample.refused, sample.silent, carried)
