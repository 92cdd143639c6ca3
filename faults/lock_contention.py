"""Lock contention: a transaction of ours holds a lock on a table or on rows of it, and the platform waits for it.

The transaction has a lease that the server ends (`session_holder`), and is asked for without queueing others
(`table_lock`). Proven as the platform's role: what it asks for is held by us; and by its own sessions that wait.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import psycopg
from psycopg.rows import TupleRow
from pydantic import BaseModel, Field, model_validator

from faults.database_table import TableName
from faults.effect import judge
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.row_selection import Rows, said_rows, selection
from faults.server_slots import ServerSlots
from faults.session_facts import SessionWants
from faults.session_fault import SessionFault
from faults.session_holder import SessionHolder, holding_settings
from faults.session_params import SessionParams
from faults.table_lock import KNOCK_S, LockedRow, TableLock, knock, take
from faults.undo import SessionsUndo
from faults.waiting_sessions import or_waiting
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed

TAKE_S = 10.0
OVERDUE_S = 5.0
"""A holder that nobody ends lets go by itself so long after the fault's time."""
_KNOCKS = 3


class LockContentionParams(SessionParams):
    """`table`, and of it `rows` (left out: all of it). `blocks`: who has to wait for a whole table."""

    table: Annotated[TableName, Field(description="the platform's table")]
    rows: Annotated[Rows | None, Field(description='50, 20% or "id in (1, 2)": the rows; left out: the table')] = None
    blocks: Annotated[Literal["writes", "everything"], Field(description="what waits for a whole table")] = "writes"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rows is not None and self.blocks == "everything":
            raise ValueError("locked rows can still be read -> leave blocks out, or leave rows out for the whole table")
        return self

    @property
    def wants(self) -> SessionWants:
        rows = selection(self.rows) if self.rows is not None else None
        return SessionWants(
            sessions=1, table=self.table, rows=rows, lock=True, for_writers_only=self.blocks == "writes"
        )


class LockContention:
    """The fault of one run on one table."""

    def __init__(self, plan: FaultPlan, slots: ServerSlots, run: str) -> None:
        assert isinstance(plan.params, LockContentionParams)
        self.plan = plan
        self._params = plan.params
        self._slots = slots
        self._fault = SessionFault(plan, slots, run, plan.params.lease)
        self._role = "the platform's role"
        self._lock: TableLock | None = None
        self._rows: tuple[LockedRow, ...] = ()
        self._most = 0
        self._holder: SessionHolder | None = None

    def prepare(self) -> SessionsUndo:
        wants = self._params.wants
        facts = self._fault.look(self._params)
        assert facts.table is not None
        self._role, self._most = facts.slots.platform.name, facts.rows or 0
        self._lock = lock = TableLock(facts.table, wants.rows, wants.for_writers_only)
        if wants.rows is None and all(knock(self._slots, lock, None) for _ in range(_KNOCKS)):
            raise ReachFailed(
                f"somebody else holds a lock on {facts.table.name} already",
                where=f"database {self._slots.database}",
                mend="see who it is: select * from pg_locks join pg_stat_activity using (pid)",
            )
        longest_s = self.plan.for_s + OVERDUE_S
        settings = holding_settings(self._params.lease, longest_s, facts.slots.server.version_num)
        self._holder = SessionHolder(self._slots, self._fault.sessions.marker, settings, self._params.lease)
        return self._fault.record(longest_s + TAKE_S)

    def inject(self) -> None:
        assert self._holder is not None
        self._holder.open(self._take)
        self._fault.number = 1
        self._holder.start(Deadline.after(self.plan.for_s + OVERDUE_S))

    def prove_wire(self) -> Effect:
        expected = f"the role {self._role} can't {self._deed()}"
        begun = boot_s()
        if not self._knock():
            text = f"the role {self._role} could {self._deed()} in {(boot_s() - begun) * 1000:.0f} ms"
            return Effect(expected, Measurement(text), effective=False)
        text = f"the role {self._role} could not {self._deed()}: it waited {KNOCK_S * 1000:.0f} ms for the lock"
        values = {"rows_locked": float(len(self._rows))} if self._rows else {}
        return Effect(expected, Measurement(text, values), effective=True)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        judged = judge(before, during, delay_ms=None, sessions=self._slots.source)
        what = f"the lock on {self._params.table}"
        return or_waiting(judged, self._slots, marker=self._fault.sessions.marker, role=self._role, what=what)

    def present(self) -> bool:
        return self._fault.still_there()

    def heal(self, deadline: Deadline) -> Healed:
        if self._holder is not None:
            self._holder.close()
        return self._fault.end(deadline)

    def measure_healed(self, deadline: Deadline) -> Effect:
        expected = f"the role {self._role} can {self._deed()} again"
        while True:
            begun = boot_s()
            if not self._knock():
                text = f"the role {self._role} could {self._deed()} in {(boot_s() - begun) * 1000:.0f} ms"
                return Effect(expected, Measurement(text), effective=True)
            if deadline.passed:
                break
        gone = self._fault.all_gone()
        text = f"the role {self._role} still can't {self._deed()}; {gone.measured.text}"
        # ours is gone: whoever holds it now is somebody else, the platform's own queue perhaps
        return Effect(expected, Measurement(text), effective=None if gone.effective else False)

    def close(self) -> None:
        """Nothing is held open but the lock itself, and healing lets go of it."""

    def _take(self, session: psycopg.Connection[TupleRow]) -> None:
        assert self._lock is not None
        assert self._holder is not None
        deadline = Deadline.after(TAKE_S)
        self._rows = take(session, self._lock, self._most, ended=self._holder.ended, deadline=deadline)
        if self._lock.rows is not None and not self._rows:
            raise ReachFailed(f"no row of {self._lock.table.name} could be locked: others hold them")

    def _knock(self) -> bool:
        assert self._lock is not None
        row = self._rows[0] if self._rows else None
        return knock(self._slots, self._lock, row)

    def _deed(self) -> str:
        """What the lock keeps the platform from."""
        assert self._lock is not None
        name = self._lock.table.name
        if self._lock.rows is not None:
            number = len(self._rows)
            return f"lock one of {number} rows of {name}" if number > 1 else f"lock the row of {name}"
        return f"write to {name}" if self._lock.for_writers_only else f"read {name}"


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, LockContentionParams)
    if params.rows is None:
        who = "who writes to it waits" if params.blocks == "writes" else "who reads or writes it waits"
        return f"the table {params.table} is locked: {who}"
    return f"{said_rows(params.rows)} of {params.table} are locked: who changes them waits"
