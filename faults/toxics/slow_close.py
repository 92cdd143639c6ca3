"""Slow close: the end of a connection arrives late; its data doesn't."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from faults.close_probe import CloseProbe
from faults.fault import FaultPlan
from faults.quantity import Seconds, say_seconds
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxic_params import ToxicParams
from faults.wire import Delayed, on_a_share
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState

LONGEST_S = 60.0


class SlowCloseParams(ToxicParams):
    """`delay` in seconds. Upstream, the server hears late that a client has gone; downstream, the client that the
    server has ended. Only connections that are closed show it."""

    delay: Annotated[Seconds, Field(ge=0.02, le=LONGEST_S)]

    @property
    def shortest_s(self) -> float:
        return self.delay + 2.0


def slow_close(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are SlowCloseParams."""
    params = plan.params
    assert isinstance(params, SlowCloseParams)
    delay_ms = round(params.delay * 1000)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="slow_close",
        stream=params.stream,
        toxicity=params.toxicity,
        attributes={"delay": delay_ms},
    )
    return ToxicFault(
        plan,
        proxy,
        toxic,
        rule=Delayed(delay_ms, toxicity=params.toxicity, what="close"),
        delay_ms=delay_ms,
        open_probe=lambda: CloseProbe(proxy.reachable, allow=proxy.api.allow),
    )


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, SlowCloseParams)
    return f"the close of a connection arrives {say_seconds(params.delay)} late{on_a_share(params.toxicity)}"
