"""The faults by name: what a runbook's `kind` can be, with its parameters, and how to build one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from faults import pool_exhaustion, slot_exhaustion
from faults.fault import Fault, FaultPlan
from faults.server_slots import ServerSlots
from faults.toxics import bandwidth, down, flap, latency, limit_data, reset_peer, slicer, slow_close, timeout
from faults.wire_proxy import WireProxy
from harness.errors import BadInput


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault. `needs_database`: only on a proxy that a database goes through. `needs_round_trip`: only where
    the probe measures a round trip, so not with a probe that only connects. `on`: what it sits on; its factory takes a
    WireProxy for a proxy, a ServerSlots for a database. `silences`: while it is on, nothing else can be measured
    through its proxy."""

    name: str
    summary: str
    params: type[BaseModel]
    factory: Callable[[FaultPlan, Any, str], Fault]
    expected: Callable[[BaseModel], str]
    needs_database: bool = False
    needs_round_trip: bool = True
    on: Literal["proxy", "database"] = "proxy"
    silences: bool = False


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
                silences=True,
            ),
            FaultKind(
                "down",
                "connections are refused, and the open ones cut",
                down.DownParams,
                down.down,
                down.expected,
                needs_round_trip=False,
                silences=True,
            ),
            FaultKind(
                "pool-exhaustion",
                "every round trip of the database is held for `hold`, until the application's pool is full of waiters",
                pool_exhaustion.PoolExhaustionParams,
                pool_exhaustion.pool_exhaustion,
                pool_exhaustion.expected,
                needs_database=True,
                silences=True,
            ),
            FaultKind(
                "bandwidth",
                "each connection carries `rate` at most, in one direction",
                bandwidth.BandwidthParams,
                bandwidth.bandwidth,
                bandwidth.expected,
            ),
            FaultKind(
                "slicer",
                "data arrives in slices of about `average_size` bytes, with a pause of `delay` after each",
                slicer.SlicerParams,
                slicer.slicer,
                slicer.expected,
            ),
            FaultKind(
                "slow-close",
                "the end of a connection arrives `delay` late, its data doesn't",
                slow_close.SlowCloseParams,
                slow_close.slow_close,
                slow_close.expected,
                needs_round_trip=False,
            ),
            FaultKind(
                "reset-peer",
                "connections are reset at their first data, or `after` it",
                reset_peer.ResetPeerParams,
                reset_peer.reset_peer,
                reset_peer.expected,
                silences=True,
            ),
            FaultKind(
                "limit-data",
                "a connection is closed once it has carried so many `bytes`",
                limit_data.LimitDataParams,
                limit_data.limit_data,
                limit_data.expected,
                silences=True,
            ),
            FaultKind(
                "flap",
                "connections are refused and taken again, for `down` of every `period`",
                flap.FlapParams,
                flap.flap,
                flap.expected,
                needs_round_trip=False,
                silences=True,
            ),
            FaultKind(
                "slot-exhaustion",
                "the database server's own slots are taken but for `leave`, so that the platform gets no new session",
                slot_exhaustion.SlotExhaustionParams,
                slot_exhaustion.SlotExhaustion,
                slot_exhaustion.expected,
                on="database",
            ),
        )
    }
)


def build(plan: FaultPlan, place: WireProxy | ServerSlots, run: str) -> Fault:
    """The fault of a plan on its proxy or database; nothing is touched yet. Raises BadInput when it can't be played
    there."""
    kind = KINDS.get(plan.kind)
    if kind is None:
        raise BadInput(f"there is no fault kind {plan.kind}", where=plan.name, mend=f"one of {', '.join(KINDS)}")
    if isinstance(place, ServerSlots) != (kind.on == "database"):
        raise BadInput(f"{plan.kind} sits on a {kind.on}", where=plan.name, mend=f"name a {kind.on} of the target")
    if isinstance(place, WireProxy):
        _check_proxy(kind, plan, place)
    return kind.factory(plan, place, run)


def _check_proxy(kind: FaultKind, plan: FaultPlan, proxy: WireProxy) -> None:
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


def _measures_round_trips(proxy: WireProxy) -> bool:
    probe = proxy.open_probe()
    try:
        return probe.round_trips > 0
    finally:
        probe.close()
