"""The faults on a database's server."""

from __future__ import annotations

from faults import slot_exhaustion
from faults.kind import FaultKind

DATABASE_KINDS = (
    FaultKind(
        "slot-exhaustion",
        "the database server's own slots are taken but for `leave`, so that the platform gets no new session",
        slot_exhaustion.SlotExhaustionParams,
        slot_exhaustion.SlotExhaustion,
        slot_exhaustion.expected,
        on="database",
    ),
)
