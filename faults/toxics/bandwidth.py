"""Bandwidth: each connection carries so many bytes a second in one direction, and no more."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel

from faults.fault import FaultPlan
from faults.quantity import Throughput, say_rate
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.wire_amount import LEAST_MS, Slowed
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

KB = 1000
"""What Toxiproxy calls a KB."""
FASTEST_KB_PER_S = 100_000
_SMALL_REQUEST_BYTES = 100
_LEAST_SLOWER_MS = 40.0


def _whole_kb(rate: int) -> int:
    if not rate:
        raise ValueError("a rate of 0 lets nothing through -> write kind: timeout for that")
    if rate % KB:
        below = rate // KB
        near = f"{below}KB/s or {below + 1}KB/s" if below else "1KB/s"
        raise ValueError(f"{rate} bytes a second are no whole KB/s of 1000 bytes, Toxiproxy's unit -> write {near}")
    if rate > FASTEST_KB_PER_S * KB:
        raise ValueError(f"must be at most {say_rate(FASTEST_KB_PER_S * KB)}: more is no limit that could be seen")
    return rate


class BandwidthParams(ToxicParams):
    """`rate` in bytes a second, in whole KB/s of 1000 bytes, for each connection by itself."""

    rate: Annotated[Throughput, AfterValidator(_whole_kb)]

    @property
    def needs_bytes(self) -> int:
        return int(self.rate * LEAST_MS / 1000)


def bandwidth(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are BandwidthParams."""
    params = plan.params
    assert isinstance(params, BandwidthParams)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="bandwidth",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={"rate": params.rate // KB},
    )
    per_byte_ms = 1000 / params.rate

    def takes_ms(carried_bytes: int) -> float:
        return carried_bytes * per_byte_ms

    rule = Slowed(_what(params), params.stream, per_byte_ms, takes_ms, takes_ms, params.toxicity)
    # what the platform's requests carry isn't known: a small one is slower by this at least
    delay_ms = max(_LEAST_SLOWER_MS, takes_ms(_SMALL_REQUEST_BYTES))
    return ToxicFault(plan, proxy, toxic, rule=rule, delay_ms=delay_ms)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, BandwidthParams)
    return f"each connection carries {_what(params)} at most"


def _what(params: BandwidthParams) -> str:
    return f"{say_rate(params.rate)} {params.stream}"
