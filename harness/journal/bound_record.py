"""What the journal can hold of a run's bounds: rails that were waived, and a load kept inside the allow list."""

from __future__ import annotations

from typing import Literal

from harness.journal.base import Record


class LoadKeptIn(Record):
    """The load tried to connect to an address outside the target's allow list, and was not let: how often since the
    last such record. No packet was sent."""

    kind: Literal["load-kept-in"] = "load-kept-in"
    address: str  # host:port
    connects: int


class RailWaived(Record):
    """A guard rail objected, and the person who started the run had waived it by its opt-out."""

    kind: Literal["rail-waived"] = "rail-waived"
    rail: str
    opt_out: str
    what: str
