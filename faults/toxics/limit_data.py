"""Limit data: a connection is closed once it has carried so many bytes in one direction."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from faults.fault import FaultPlan
from faults.probe import Stream
from faults.quantity import Size
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.wire_amount import Limited
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

MOST_BYTES = 16_000_000


class LimitDataParams(ToxicParams):
    """`bytes` for each connection, counted from when the fault was added. `stream` is downstream by default: answers
    are cut off, and since nothing is held back, that can't wedge the server."""

    bytes: Annotated[Size, Field(ge=1, le=MOST_BYTES)]
    stream: Stream = "downstream"

    @property
    def needs_bytes(self) -> int:
        return self.bytes + 100


def limit_data(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are LimitDataParams."""
    params = plan.params
    assert isinstance(params, LimitDataParams)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="limit_data",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={"bytes": params.bytes},
    )
    rule = Limited(params.bytes, params.stream, params.toxicity)
    return ToxicFault(plan, proxy, toxic, rule=rule, delay_ms=None)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, LimitDataParams)
    return Limited(params.bytes, params.stream, params.toxicity).expected
