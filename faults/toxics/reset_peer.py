"""Reset peer: connections are reset at their first data, or some time after."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from faults.fault import FaultPlan
from faults.quantity import Seconds
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.wire_cut import Reset
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

# taking the toxic off waits for the resets under way: longer, and healing would take the server for wedged
LONGEST_S = 0.5


class ResetPeerParams(ToxicParams):
    """`after`: how many seconds after its first data a connection is reset. Idle connections are left alone; those that
    were open before the fault end in order (FIN) instead of by a reset."""

    after: Annotated[Seconds, Field(le=LONGEST_S, description="after their first data")] = 0.0


def reset_peer(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are ResetPeerParams."""
    params = plan.params
    assert isinstance(params, ResetPeerParams)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="reset_peer",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={"timeout": round(params.after * 1000)},
    )
    return ToxicFault(plan, proxy, toxic, rule=Reset(params.after, params.toxicity), delay_ms=None)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, ResetPeerParams)
    return Reset(params.after, params.toxicity).expected
