"""Heals any fault from its undo record alone, in any process: one door for each kind of undo record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from faults import process_healing, proxy_healing, slot_healing
from faults.fault import Healed
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
            lambda u: f"enabled on proxy {u.proxy}",
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
    return door.heal(undo, deadline, allow)


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
