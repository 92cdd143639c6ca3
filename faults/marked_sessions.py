"""The sessions of one fault, told from others by their application_name: counted, and ended by their undo record."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from faults import slot_healing
from faults.fault import Healed
from faults.server_slots import CALL_S, ServerSlots
from faults.undo import SessionsUndo
from harness.clock import Deadline, steady_utc
from harness.reach import postgres

MARK = "gameday-fault"
_LONGEST_NAME = 63  # PostgreSQL cuts off what is longer
_MARGIN_S = 10.0
_COUNT = "select count(*)::int from pg_stat_activity where application_name = %s"


def marker(run: str, fault_id: str, mark: str = MARK) -> str:
    """The application_name by which everybody sees whose sessions these are; at most 63 bytes."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{mark}-{run}-{fault_id}")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:46]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class MarkedSessions:
    """Those of the exhausting role that are named `marker`; the server ends one `lease_s` after nobody renews it."""

    slots: ServerSlots
    fault_id: str
    marker: str
    lease_s: float

    def undo(self, longest_s: float) -> SessionsUndo:
        """The record that ends them. `longest_s`: how long their holder keeps them at most."""
        over_at = steady_utc() + timedelta(seconds=longest_s + self.lease_s + _MARGIN_S)
        return SessionsUndo(
            fault_id=self.fault_id,
            database=self.slots.database,
            dsn=slot_healing.in_pieces(self.slots.reference),
            folder=str(self.slots.folder),
            marker=self.marker,
            lease_s=self.lease_s,
            over_at=over_at.isoformat(timespec="seconds"),
        )

    def end(self, undo: SessionsUndo, deadline: Deadline) -> Healed:
        """End them all, and see that they are gone. Idempotent. Raises NotHealed."""
        return slot_healing.end_sessions(undo, deadline, self.slots.allow, self.slots.exhaust_dsn)

    def count(self) -> int:
        """How many there are, as the watcher sees it; it needs no rights for that. Raises ReachFailed."""
        with closing(self.slots.watch()) as watcher:
            [(number,)] = postgres.query(watcher, _COUNT, (self.marker,), timeout_s=CALL_S)
        return int(number)
