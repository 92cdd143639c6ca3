"""Latency: every round trip through the proxy is slower."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from faults.fault import FaultPlan
from faults.quantity import Fraction, Seconds
from faults.toxic_fault import ToxicFault, toxic_name
from faults.wire import Delayed
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

Stream = Literal["upstream", "downstream"]
LONGEST_S = 600.0


class LatencyParams(BaseModel):
    """`latency` and `jitter` in seconds; `toxicity` the share of connections (not of requests) that get it.

    `stream` is upstream by default: the round trip is as much slower, but the server buffers requests, which are
    small, and not responses. Downstream, large responses to clients that give up wedge the server's control API.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: Annotated[Seconds, Field(ge=0.001, le=LONGEST_S)]
    jitter: Seconds = 0.0
    toxicity: Annotated[Fraction, Field(gt=0)] = 1.0
    stream: Stream = "upstream"

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
