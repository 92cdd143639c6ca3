"""The proof on the wire for connections that are cut: each ends without an answer, and at its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faults.fault import Effect, Measurement
from faults.probe import Probe, Sample
from faults.quantity import say_seconds
from faults.wire import SILENCE_S, WireBefore, on_a_share, survey

_SHARE_SAMPLES = 5
_EARLY = 0.8


@dataclass(frozen=True, slots=True)
class Reset:
    """A new connection is reset `after_s` after its first data. Silence is none, nor is a refusal."""

    after_s: float = 0.0
    toxicity: float = 1.0

    @property
    def timeout_s(self) -> float:
        """A client may try twice: with TLS and without."""
        return SILENCE_S + 2 * self.after_s

    @property
    def expected(self) -> str:
        when = f"{say_seconds(self.after_s)} after their first data" if self.after_s else "at their first data"
        return f"connections reset {when}{on_a_share(self.toxicity)}"

    def survey(self, probe: Probe) -> WireBefore:
        before = survey(probe, self.timeout_s)
        probe.renew()
        return before

    def prove(self, probe: Probe, before: WireBefore) -> Effect:
        """One sample over a new connection; several where the toxicity is less than 1."""
        samples: list[Sample] = []
        for _ in range(1 if self.toxicity == 1 else _SHARE_SAMPLES):
            probe.renew()
            samples.append(probe.measure(self.timeout_s))
            if self._was_reset(samples[-1]):
                break
        return self.judge(before, samples)

    def judge(self, before: WireBefore, samples: Sequence[Sample]) -> Effect:
        """The proof from samples under the fault."""
        last = samples[-1]
        values = {"before_ms": before.median_ms, "during_ms": last.elapsed_ms}
        how = f"answered in {last.elapsed_ms:.1f} ms" if last.ok else f"{last.error}, after {last.elapsed_ms:.0f} ms"
        text = f"{how}, before answered in {before.median_ms:.1f} ms"
        return Effect(self.expected, Measurement(text, values), effective=self._was_reset(last))

    def back(self, probe: Probe, before: WireBefore, timeout_s: float) -> tuple[bool, str]:
        """Whether a new connection answers again, and what was measured."""
        probe.renew()
        sample = probe.measure(timeout_s)
        text = f"round trip {sample.elapsed_ms:.1f} ms, before the fault {before.median_ms:.1f} ms"
        return sample.ok, text if sample.ok else sample.error

    def _was_reset(self, sample: Sample) -> bool:
        cut = not (sample.ok or sample.silent or sample.refused)
        return cut and sample.elapsed_ms >= _EARLY * self.after_s * 1000
