"""A kind of fault, as the catalog lists it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from faults.fault import Fault, FaultPlan, PlaceKind


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault. `needs_database`: only on a proxy that a database goes through. `needs_round_trip`: only where
    the probe measures a round trip, so not with a probe that only connects. `on`: what it sits on; its factory takes
    that place, as `faults.catalog.PLACES` has it. `silences`: while it is on, nothing else can be measured through its
    proxy.

    In words, for people: `needs` (what must be there), `proven` (how its effect is measured), `healed` (what takes it
    off, and what does when nobody can).
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
