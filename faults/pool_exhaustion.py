"""Pool exhaustion: every round trip of the database is held, until the application's pool is full of waiters.

The database stays healthy; rate x hold x round trips above the pool's size empties the pool. No credentials are
needed: it is a latency toxic on the way to the database.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults.fault import FaultPlan
from faults.quantity import Seconds, say_seconds
from faults.toxic_fault import ToxicFault, toxic_name
from faults.toxics.latency import LONGEST_S
from faults.toxics.timeout import silence_s
from faults.wire import Silenced
from faults.wire_proxy import WireProxy
from harness.reach.toxiproxy_state import ToxicState


class PoolExhaustionParams(BaseModel):
    """`hold`: for how many seconds every round trip is held; longer than the pool's own patience."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hold: Annotated[Seconds, Field(ge=1.0, le=LONGEST_S)] = 10.0


def pool_exhaustion(plan: FaultPlan, proxy: WireProxy, run: str) -> ToxicFault:
    """The fault of a plan whose params are PoolExhaustionParams."""
    params = plan.params
    assert isinstance(params, PoolExhaustionParams)
    toxic = ToxicState(
        name=toxic_name(run, plan.id),
        type="latency",
        stream="upstream",
        attributes={"latency": round(params.hold * 1000), "jitter": 0},
    )
    # a hold shorter than the usual silence answers in the end: ask for less of it
    rule = Silenced(min(silence_s(plan), 0.7 * params.hold))
    return ToxicFault(plan, proxy, toxic, rule=rule, delay_ms=None)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, PoolExhaustionParams)
    return f"every round trip held for {say_seconds(params.hold)}: the application's pool fills with waiters"
