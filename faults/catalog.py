"""The faults by name: what a runbook's `kind` can be, with its parameters, and how to build one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import BaseModel

from faults import pool_exhaustion
from faults.fault import Fault, FaultPlan
from faults.toxics import down, latency, timeout
from faults.wire_proxy import WireProxy
from harness.errors import BadInput


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault. `needs_database`: only on a proxy that a database goes through. `needs_round_trip`: only where
    the probe measures a round trip, so not with a probe that only connects."""

    name: str
    summary: str
    params: type[BaseModel]
    factory: Callable[[FaultPlan, WireProxy, str], Fault]
    expected: Callable[[BaseModel], str]
    needs_database: bool = False
    needs_round_trip: bool = True


KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            FaultKind(
                "latency",
                "every round trip is slower by `latency`, give or take `jitter`",
                latency.LatencyParams,
                latency.latency,
                latency.expected,
            ),
            FaultKind(
                "timeout",
                "all data is swallowed; connections hang, or close after `timeout` of silence",
                timeout.TimeoutParams,
                timeout.timeout,
                timeout.expected,
            ),
            FaultKind(
                "down",
                "connections are refused, and the open ones cut",
                down.DownParams,
                down.down,
                down.expected,
                needs_round_trip=False,
            ),
            FaultKind(
                "pool-exhaustion",
                "every round trip of the database is held for `hold`, until the application's pool is full of waiters",
                pool_exhaustion.PoolExhaustionParams,
                pool_exhaustion.pool_exhaustion,
                pool_exhaustion.expected,
                needs_database=True,
            ),
        )
    }
)


def build(plan: FaultPlan, proxy: WireProxy, run: str) -> Fault:
    """The fault of a plan on a proxy; nothing is touched yet. Raises BadInput when it can't be played there."""
    kind = KINDS.get(plan.kind)
    if kind is None:
        raise BadInput(f"there is no fault kind {plan.kind}", where=plan.name, mend=f"one of {', '.join(KINDS)}")
    if kind.needs_database and not proxy.has_database:
        raise BadInput(
            f"{plan.kind} works on a database, and none goes through the proxy {proxy.name}",
            where=plan.name,
            mend="choose the proxy that a database of the target goes `through`",
        )
    if kind.needs_round_trip and not _measures_round_trips(proxy):
        raise BadInput(
            f"{plan.kind} on the proxy {proxy.name} can't be proven: its probe only connects",
            where=plan.name,
            mend="give the proxy `probe: http`, or let a database or a cache of the target go `through` it",
        )
    return kind.factory(plan, proxy, run)


def _measures_round_trips(proxy: WireProxy) -> bool:
    probe = proxy.open_probe()
    try:
        return probe.round_trips > 0
    finally:
        probe.close()
