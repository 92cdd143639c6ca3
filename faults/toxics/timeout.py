"""Timeout: the proxy swallows all data, and the other end never hears."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from faults.fault import FaultPlan
from faults.quantity import Seconds, say_seconds
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.toxics.latency import LONGEST_S
from faults.wire import Silenced
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

# long against any round trip that a baseline would pass with, short against a halt that ends the measurement
LONGEST_SILENCE_S = 0.8


class TimeoutParams(ToxicParams):
    """`timeout`: a connection is closed after so many seconds of silence; 0 never closes it. Healing closes every
    connection that carried it: what was swallowed is gone."""

    timeout: Annotated[Seconds, Field(le=LONGEST_S, description="0: they never close")] = 0.0


def silence_s(plan: FaultPlan) -> float:
    """After how many seconds without an answer the wire counts as silent: short faults must be proven too."""
    return min(LONGEST_SILENCE_S, max(0.3, plan.for_s / 3))


def timeout(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are TimeoutParams."""
    params = plan.params
    assert isinstance(params, TimeoutParams)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="timeout",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={"timeout": round(params.timeout * 1000)},
    )
    return ToxicFault(plan, proxy, toxic, rule=Silenced(silence_s(plan), params.toxicity), delay_ms=None)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, TimeoutParams)
    closed = f", and connections closed after {say_seconds(params.timeout)} of silence" if params.timeout else ""
    return f"no answer through the proxy{closed}"
