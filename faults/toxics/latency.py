"""Latency: every round trip through the proxy is slower."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from faults.fault import FaultPlan
from faults.quantity import Seconds
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.wire import Delayed
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

LONGEST_S = 600.0


class LatencyParams(ToxicParams):
    """`latency` and `jitter` in seconds. Upstream or downstream, the round trip is as much slower."""

    latency: Annotated[Seconds, Field(ge=0.001, le=LONGEST_S)]
    jitter: Seconds = 0.0

    @model_validator(mode="after")
    def _jitter_within_latency(self) -> Self:
        # a delay can't be negative, and an absurd jitter kills the server
        if self.jitter > self.latency:
            raise ValueError("jitter can't be more than latency")
        return self


def latency(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are LatencyParams."""
    params = plan.params
    assert isinstance(params, LatencyParams)
    latency_ms, jitter_ms = round(params.latency * 1000), round(params.jitter * 1000)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="latency",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={"latency": latency_ms, "jitter": jitter_ms},
    )
    rule = Delayed(latency_ms, jitter_ms, params.toxicity)
    return ToxicFault(plan, proxy, toxic, rule=rule, delay_ms=latency_ms)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, LatencyParams)
    return Delayed(params.latency * 1000, params.jitter * 1000, params.toxicity).expected
