"""Heals any fault from its undo record alone, in any process: one door for each kind of undo record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from faults import (
    activity_healing,
    cache_pause_healing,
    claim_healing,
    connection_healing,
    extension_healing,
    process_healing,
    proxy_healing,
    slot_healing,
)
from faults.cache_pause_healing import CachePauseUndo
from faults.claim_healing import CacheClaimUndo, ToxiproxyClaimUndo
from faults.connection_healing import ConnectionsUndo
from faults.containers import healing as container_healing
from faults.containers.undo import ContainersUndo
from faults.extension_undo import ActivityUndo, ExtensionUndo
from faults.fault import Healed
from faults.hosts import host_undo
from faults.hosts.host_undo import HostUndo
from faults.undo import EnabledUndo, ProcessUndo, SessionsUndo, ToxicUndo, Undo
from harness.clock import Deadline
from harness.errors import NotHealed
from harness.reach.allow_list import AllowList


@dataclass(frozen=True, slots=True)
class Door:
    """How the undo records of one kind are healed; each callable takes a record of the kind.

    `heal(undo, deadline, allow)` is idempotent and raises NotHealed. `command`: what a person types instead. `what`:
    what is left, in words. `last`: whether it is healed after all others have been.
    """

    record: type[Undo]
    heal: Callable[[Any, Deadline, AllowList], Healed]
    command: Callable[[Any], str]
    what: Callable[[Any], str]
    last: Callable[[Any], bool] = lambda _: False


DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "toxic": Door(
            ToxicUndo, proxy_healing.heal_proxy, proxy_healing.toxic_command, lambda u: f"toxic on proxy {u.proxy}"
        ),
        "enabled": Door(
            EnabledUndo,
            proxy_healing.heal_proxy,
            proxy_healing.enabled_command,
            lambda u: f"proxy {u.proxy} {'closed' if u.enabled else 'opened'}",
        ),
        # the server goes after the proxies that it holds, else their healing would start it again
        "process": Door(
            ProcessUndo,
            lambda undo, deadline, _: process_healing.end_processes(undo, deadline),
            process_healing.kill_command,
            lambda u: str(u.what),
            last=process_healing.is_server,
        ),
        "sessions": Door(
            SessionsUndo,
            slot_healing.end_sessions,
            slot_healing.command,
            lambda u: f"sessions {u.marker} on database {u.database}",
        ),
        "cache-pause": Door(
            CachePauseUndo,
            cache_pause_healing.see_over,
            cache_pause_healing.command,
            lambda u: f"pause of cache {u.cache}",
        ),
        "cache-connections": Door(
            ConnectionsUndo,
            connection_healing.end_connections,
            connection_healing.command,
            lambda u: f"connections {u.marker} on cache {u.cache}",
        ),
        # last: while faults are being healed, no other run may come
        "claim-cache": Door(
            CacheClaimUndo,
            claim_healing.release_cache,
            claim_healing.cache_command,
            lambda _: "the key gameday:claim",
            last=lambda _: True,
        ),
        "claim-toxiproxy": Door(
            ToxiproxyClaimUndo,
            claim_healing.release_toxiproxy,
            claim_healing.toxiproxy_command,
            lambda u: f"the proxy gameday-claim at {u.api_url}",
            last=lambda _: True,
        ),
        "containers": Door(ContainersUndo, container_healing.heal, container_healing.command, container_healing.what),
        "host": Door(HostUndo, host_undo.end_on_host, host_undo.command, host_undo.what_is),
        "extension": Door(
            ExtensionUndo, extension_healing.heal_extension, extension_healing.command, extension_healing.what
        ),
        "activity": Door(ActivityUndo, activity_healing.roll_back, activity_healing.command, activity_healing.what),
    }
)


def read_undo(written: Mapping[str, object]) -> Undo | None:
    """The undo record as the journal has it; None for one that this version can't read."""
    door = DOORS.get(str(written.get("door")))
    if door is None:
        return None
    try:
        return door.record.model_validate(written)
    except ValidationError:
        return None


def heal(undo: Undo, *, deadline: Deadline, allow: AllowList) -> Healed:
    """Take a fault off. Idempotent. Raises NotHealed, with the command that a person types instead."""
    door = DOORS.get(undo.door)
    if door is None:
        raise NotHealed(
            f"nothing here heals {undo.fault_id} ({undo.door})", mend="heal it with the version that ran it"
        )
    try:
        return door.heal(undo, deadline, allow)
    except NotHealed:
        raise
    except Exception as error:
        # what a server answers has no bounds, and whoever heals others too must hear of each what to type
        what = f"{undo.fault_id} could not be taken off: {str(error) or type(error).__name__}"
        raise NotHealed(what, mend=door.command(undo)) from error


def in_order(undos: Sequence[Undo]) -> tuple[tuple[Undo, ...], ...]:
    """Undo records in steps: those of one step heal side by side."""
    last = tuple(u for u in undos if u.door in DOORS and DOORS[u.door].last(u))
    others = tuple(u for u in undos if u not in last)
    return tuple(step for step in (others, last) if step)


def command_of(undo: Undo) -> str:
    """What a person types to heal it by hand."""
    return DOORS[undo.door].command(undo) if undo.door in DOORS else "gameday heal"


def what_is(undo: Undo) -> str:
    """What is left, in words."""
    return DOORS[undo.door].what(undo) if undo.door in DOORS else undo.door
