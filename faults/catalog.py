"""The faults by name: what a runbook's `kind` can be, with its parameters, and how to build one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from faults.cache_kinds import CACHE_KINDS
from faults.cache_server import CacheServer
from faults.container_kinds import CONTAINER_KINDS
from faults.containers.group import ContainerGroup
from faults.database_kinds import DATABASE_KINDS
from faults.extension_fault import PREPARE_S, ExtensionFault
from faults.extensions import Extension, loaded
from faults.fault import Fault, FaultPlan, PlaceKind
from faults.foreign_call import foreign_call
from faults.host_kinds import HOST_KINDS
from faults.hosts.fault_host import FaultHost
from faults.kind import FaultKind
from faults.platform import Platform
from faults.platform_kinds import PLATFORM_KINDS
from faults.server_slots import ServerSlots
from faults.wire_kinds import WIRE_KINDS
from faults.wire_proxy import WireProxy
from harness.errors import BadInput

KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {
        kind.name: kind
        for kinds in (WIRE_KINDS, DATABASE_KINDS, CACHE_KINDS, CONTAINER_KINDS, HOST_KINDS, PLATFORM_KINDS)
        for kind in kinds
    }
)
PLACES: Mapping[PlaceKind, type] = MappingProxyType(
    {
        "proxy": WireProxy,
        "database": ServerSlots,
        "cache": CacheServer,
        "container": ContainerGroup,
        "host": FaultHost,
        "platform": Platform,
    }
)
"""What the factories of each kind take."""


def kind_named(name: str) -> FaultKind | None:
    """The kind of that name, ours or a plugin's; plugins are only loaded for a name that isn't ours."""
    if name in KINDS:
        return KINDS[name]
    return next((kind for extension in loaded(KINDS) for kind in extension.kinds if kind.name == name), None)


def plugins() -> tuple[Extension, ...]:
    """All plugins, those that can't be used too; loads them."""
    return loaded(KINDS)


def all_kinds() -> Iterator[FaultKind]:
    """Ours, and those of all plugins; loads them."""
    yield from KINDS.values()
    yield from (kind for extension in plugins() for kind in extension.kinds)


def build(plan: FaultPlan, place: Any, run: str) -> Fault:
    """The fault of a plan on its place (see `PLACES`); nothing is touched yet. Raises BadInput when it can't be played
    there."""
    kind = kind_named(plan.kind)
    if kind is None:
        raise BadInput(f"there is no fault kind {plan.kind}", where=plan.name, mend=f"one of {', '.join(KINDS)}")
    if not isinstance(place, PLACES[kind.on]):
        raise BadInput(f"{plan.kind} sits on a {kind.on}", where=plan.name, mend=f"name a {kind.on} of the target")
    if isinstance(place, WireProxy):
        _check_proxy(kind, plan, place)
    if plan.kind in KINDS:
        return kind.factory(plan, place, run)
    extension = next(e for e in plugins() if kind in e.kinds)
    made = partial(kind.factory, plan, place, run)
    fault = foreign_call(made, whose=f"the factory of {extension}", timeout_s=PREPARE_S, where=plan.name)
    return ExtensionFault(plan, fault, extension)


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
