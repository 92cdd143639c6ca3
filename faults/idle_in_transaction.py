"""Idle in transaction: sessions that began one and then do nothing, as a worker that waits for another service.

Each keeps a slot and a snapshot, which vacuum has to spare all dead rows for; with `rows`, locks too. Each has a lease
that the server itself ends (`idle_in_transaction_session_timeout`).
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Annotated, Self

import psycopg
from psycopg.rows import TupleRow
from pydantic import BaseModel, Field, model_validator

from faults.database_table import TableName
from faults.effect import ENOUGH_S, judge
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.row_selection import Rows, said_rows, selection
from faults.server_slots import CALL_S, ServerSlots
from faults.session_facts import SessionWants
from faults.session_fault import SessionFault
from faults.session_holder import SessionHolder, holding_settings
from faults.session_params import SessionParams
from faults.table_lock import LockedRow, TableLock, knock, take
from faults.undo import SessionsUndo
from faults.waiting_sessions import or_waiting
from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.reach import postgres

MOST_SESSIONS = 50
TAKE_S = 10.0
OVERDUE_S = 5.0
_ENOUGH_TRANSACTIONS = 5
_SNAPSHOT = "begin isolation level repeatable read read only"
# the horizon is the oldest transaction that some session of this server may still look back to
_SEEN = """
/* gameday */ select count(*) filter (where ours and state = 'idle in transaction' and held is not null)::int,
       coalesce(min(extract(epoch from clock_timestamp() - xact_start)) filter (where ours), 0)::float8,
       coalesce(max(held) filter (where ours), 0)::bigint, coalesce(max(held) filter (where not ours), 0)::bigint
from (select application_name = %s as ours, state, xact_start,
             greatest(age(backend_xmin), age(backend_xid))::bigint as held
      from pg_stat_activity where pid <> pg_backend_pid()) a
"""


class IdleInTransactionParams(SessionParams):
    """`sessions`: how many. `table` and `rows`: what they lock, left out: nothing."""

    sessions: Annotated[int, Field(ge=1, le=MOST_SESSIONS)] = 5
    table: Annotated[TableName | None, Field(description="the platform's table whose rows they lock")] = None
    rows: Annotated[Rows | None, Field(description='50, 20% or "id in (1, 2)": the rows that they lock')] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.table is None) != (self.rows is None):
            missing = "rows" if self.rows is None else "table"
            raise ValueError(f"what they lock needs table and rows -> add {missing}: ..., or leave both out")
        return self

    @property
    def wants(self) -> SessionWants:
        rows = selection(self.rows) if self.rows is not None else None
        table = self.table or ""
        return SessionWants(sessions=self.sessions, table=table, rows=rows, lock=rows is not None, sees=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """`idle`: sessions of ours that are idle in a transaction and hold a snapshot, `for_s` the youngest. `horizon`: how
    many transactions ago the oldest of them began; `others`: the same of everybody else."""

    idle: int
    for_s: float
    horizon: int
    others: int


class IdleInTransaction:
    """The fault of one run on one database."""

    def __init__(self, plan: FaultPlan, slots: ServerSlots, run: str) -> None:
        assert isinstance(plan.params, IdleInTransactionParams)
        self.plan = plan
        self._params = plan.params
        self._slots = slots
        self._fault = SessionFault(plan, slots, run, plan.params.lease)
        self._role = "the platform's role"
        self._lock: TableLock | None = None
        self._rows: list[LockedRow] = []
        self._most = 0
        self._holder: SessionHolder | None = None

    def prepare(self) -> SessionsUndo:
        params, wants = self._params, self._params.wants
        facts = self._fault.look(params)
        self._role, self._most = facts.slots.platform.name, facts.rows or 0
        self._lock = TableLock(facts.table, wants.rows) if facts.table is not None else None
        longest_s = self.plan.for_s + OVERDUE_S + TAKE_S
        settings = holding_settings(params.lease, longest_s, facts.slots.server.version_num)
        self._holder = SessionHolder(self._slots, self._fault.sessions.marker, settings, params.lease)
        return self._fault.record(longest_s)

    def inject(self) -> None:
        assert self._holder is not None
        holder = self._holder
        holder.start(Deadline.after(self.plan.for_s + OVERDUE_S + TAKE_S))
        deadline = Deadline.after(TAKE_S)
        for _ in range(self._params.sessions):
            holder.open(lambda session: self._begin(session, deadline))
            self._fault.number += 1
        if self._lock is not None and not self._rows:
            raise ReachFailed(f"no row of {self._lock.table.name} could be locked: others hold them")

    def prove_wire(self) -> Effect:
        number, seen = self._params.sessions, self._look()
        locked = f", and {self._role} waits for the rows they hold" if self._lock is not None else ""
        expected = f"{number} sessions idle in transaction, each with a snapshot{locked}"
        text = f"{seen.idle} sessions are idle in transaction for {seen.for_s:.1f} s or more, each with a snapshot"
        values = {"sessions": float(seen.idle), "rows_locked": float(len(self._rows))}
        effective = seen.idle >= number
        if self._lock is not None and effective:
            effective = knock(self._slots, self._lock, self._rows[0])
            waits = f"had to wait for one of {len(self._rows)} rows" if effective else "did not wait for their rows"
            text = f"{text}; the role {self._role} {waits}"
        return Effect(expected, Measurement(text, values), effective=effective)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        judged = judge(before, during, delay_ms=None, sessions=self._slots.source)
        if self._lock is None:
            return judged if judged.effective else self._horizon(judged, during.end_s - during.start_s)
        what = f"rows of {self._lock.table.name}"
        return or_waiting(judged, self._slots, marker=self._fault.sessions.marker, role=self._role, what=what)

    def present(self) -> bool:
        return self._fault.still_there()

    def heal(self, deadline: Deadline) -> Healed:
        if self._holder is not None:
            self._holder.close()
        return self._fault.end(deadline)

    def measure_healed(self, deadline: Deadline) -> Effect:
        effect = self._fault.all_gone()
        while not (effect.effective or deadline.passed):
            effect = self._fault.all_gone()
        return effect

    def close(self) -> None:
        """Nothing is held open but the sessions themselves, and healing lets go of them."""

    def _begin(self, session: psycopg.Connection[TupleRow], deadline: Deadline) -> None:
        assert self._holder is not None
        # each its part: the rows of those before it are skipped
        part = math.ceil((self._most - len(self._rows)) / (self._params.sessions - self._fault.number))
        if self._lock is not None and part > 0:
            self._rows += take(session, self._lock, part, ended=self._holder.ended, deadline=deadline)
        else:
            postgres.query(session, _SNAPSHOT, timeout_s=CALL_S)
            postgres.query(session, "select 1", timeout_s=CALL_S)

    def _horizon(self, judged: Effect, lasted_s: float) -> Effect:
        """Without locks, what the platform feels is in its tables: nothing that it deletes or replaces can be cleaned
        up as long as the oldest snapshot is ours."""
        expected = "transactions of the platform that vacuum may not clean up after"
        seen = self._look()
        values = {**judged.measured.values, "horizon_transactions": float(seen.horizon)}
        if seen.horizon >= _ENOUGH_TRANSACTIONS and seen.horizon > seen.others:
            text = f"vacuum may not clean up after the last {seen.horizon} transactions: the oldest snapshot is ours"
            return Effect(expected, Measurement(text, values), effective=True)
        if seen.others >= seen.horizon > 0:
            text = f"somebody else holds a snapshot that is older than ours ({seen.others} transactions)"
        else:
            text = f"{judged.measured.text}; {seen.horizon} transactions since the snapshot"
        effective = False if lasted_s >= ENOUGH_S else None
        return replace(judged, expected=expected, measured=Measurement(text, values), effective=effective)

    def _look(self) -> Seen:
        with closing(self._slots.watch()) as watcher:
            [row] = postgres.query(watcher, _SEEN, (self._fault.sessions.marker,), timeout_s=CALL_S)
        return Seen(*row)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, IdleInTransactionParams)
    one = params.sessions == 1
    many = "1 session stands" if one else f"{params.sessions} sessions stand"
    held = f"{'holds' if one else 'hold'} {said_rows(params.rows)} of {params.table}" if params.rows is not None else ""
    locked = f", and {held}" if held else ""
    return f"{many} idle in transaction{locked}"
