"""A kind of fault, as the catalog lists it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from faults.extension_undo import ExtensionUndo
from faults.fault import Fault, FaultPlan, Healed, PlaceKind
from harness.clock import Deadline


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault. `needs_database`: only on a proxy that a database goes through. `needs_round_trip`: only where
    the probe measures a round trip, so not with a probe that only connects. `on`: what it sits on; its factory takes
    that place, as `faults.catalog.PLACES` has it. `silences`: while it is on, nothing else can be measured through its
    proxy.

    In words, for people: `needs` (what must be there), `proven` (how its effect is measured), `healed` (what takes it
    off, and what does when nobody can). `example`: its own keys in a runbook, where those that must be there don't say
    enough.

    `heal`, of a plugin's kind only: takes the fault off by its undo record (`faults.extension_undo.ExtensionUndo`)
    alone, in any process; idempotent, by the deadline. Raises NotHealed.
    """

    name: str
    summary: str
    params: type[BaseModel]
    factory: Callable[[FaultPlan, Any, str], Fault]
    expected: Callable[[BaseModel], str]
    needs_database: bool = False
    needs_round_trip: bool = True
    on: PlaceKind = "proxy"
    silences: bool = False
    needs: str = ""
    proven: str = ""
    healed: str = ""
    example: str = ""
    heal: Callable[[ExtensionUndo, Deadline], Healed] | None = None
