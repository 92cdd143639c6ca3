"""Slow queries: sessions of ours work beside the platform's without a pause, and the server answers it more slowly.

The work is real (hashes and sorts of numbers, or of the platform's own rows), in short statements that the server
bounds (`query_load`). Proven as the platform's role: a probe query of a known size takes clearly longer than before.
"""

from __future__ import annotations

import statistics
from contextlib import closing
from typing import Annotated

import psycopg
from psycopg.rows import TupleRow
from pydantic import BaseModel, Field

from faults.database_table import TableName
from faults.effect import judge
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.probe import APPLICATION_NAME
from faults.query_load import QueryLoad
from faults.query_work import Kind, NumberWork, TableWork
from faults.server_slots import CALL_S, ServerSlots
from faults.session_facts import SessionWants
from faults.session_fault import SessionFault
from faults.session_params import SessionParams
from faults.undo import SessionsUndo
from harness.clock import Deadline, boot_s
from harness.reach import postgres

MOST_SESSIONS = 64
OVERDUE_S = 5.0
_OPEN_S = 20.0
_SLOWER = 1.5
_AIM_MS, _LEAST_ROWS, _MOST_ROWS = 25.0, 10_000, 1_000_000
_PROBES = 5
_PLATFORM_MS = 4.0  # the smallest shift that counts at the platform is half of it, and a third of what it was
_PROBE = "/* gameday */ select count(md5(g::text)) from (select generate_series(1, %s::int) g) s"


class SlowQueriesParams(SessionParams):
    """`sessions`: how many work at once. `work`: what at. `table`: what they read, left out: numbers."""

    sessions: Annotated[int, Field(ge=1, le=MOST_SESSIONS)] = 8
    work: Annotated[Kind, Field(description="hashes, or sorts in temporary files")] = "cpu"
    table: Annotated[TableName | None, Field(description="the table that they read; left out: numbers")] = None

    @property
    def wants(self) -> SessionWants:
        return SessionWants(sessions=self.sessions, table=self.table or "", read=self.table is not None)


class SlowQueries:
    """The fault of one run on one database."""

    def __init__(self, plan: FaultPlan, slots: ServerSlots, run: str) -> None:
        assert isinstance(plan.params, SlowQueriesParams)
        self.plan = plan
        self._params = plan.params
        self._slots = slots
        self._fault = SessionFault(plan, slots, run, plan.params.lease)
        self._role = "the platform's role"
        self._probe_rows = _LEAST_ROWS
        self._before_ms = 0.0
        self._load: QueryLoad | None = None

    def prepare(self) -> SessionsUndo:
        params = self._params
        facts = self._fault.look(params)
        self._role = facts.slots.platform.name
        self._probe_rows, self._before_ms = self._calibrate()
        table = facts.table
        work = TableWork(params.work, table.name, table.blocks) if table is not None else NumberWork(params.work)
        self._load = QueryLoad(self._slots, self._fault.sessions.marker, work, params.lease)
        return self._fault.record(_OPEN_S + self.plan.for_s + OVERDUE_S)

    def inject(self) -> None:
        assert self._load is not None
        self._load.open(self._params.sessions, Deadline.after(self.plan.for_s + OVERDUE_S))
        self._fault.number = self._params.sessions

    def prove_wire(self) -> Effect:
        assert self._load is not None
        expected = f"a query of the role {self._role} takes {_SLOWER:g} times as long or more, beside ours"
        now_ms, before_ms = self._probe_ms(), self._before_ms
        text = (
            f"a query of the role {self._role} took {before_ms:.0f} ms before, {now_ms:.0f} ms beside "
            f"{self._params.sessions} sessions that ended {self._load.statements} statements so far"
        )
        values = {"query_before_ms": before_ms, "query_ms": now_ms, "statements": float(self._load.statements)}
        effective = now_ms >= _SLOWER * before_ms
        if not effective:
            text = f"{text}: the server has processors to spare, so that more sessions are needed"
        return Effect(expected, Measurement(text, values), effective=effective)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return judge(before, during, delay_ms=_PLATFORM_MS, sessions=self._slots.source)

    def present(self) -> bool:
        return self._fault.still_there()

    def heal(self, deadline: Deadline) -> Healed:
        if self._load is not None:
            self._load.close()
        return self._fault.end(deadline)

    def measure_healed(self, deadline: Deadline) -> Effect:
        """The sessions have to be gone; that the probe is not as fast as before may be the platform's own doing, which
        has much to catch up with: then it can't be told."""
        while True:
            gone, now_ms = self._fault.all_gone(), self._probe_ms()
            back = now_ms < _SLOWER * self._before_ms
            if (gone.effective and back) or deadline.passed:
                break
        text = f"{gone.measured.text}; a query of the role {self._role} takes {now_ms:.0f} ms again"
        if not back:
            text = f"{gone.measured.text}; a query of the role {self._role} still takes {now_ms:.0f} ms"
        verified = gone.effective and (True if back else None)
        return Effect(
            f"a query of the role {self._role} takes {self._before_ms:.0f} ms again",
            Measurement(f"{text} ({self._before_ms:.0f} ms before)", {"query_ms": now_ms}),
            effective=verified,
        )

    def close(self) -> None:
        """Nothing is held open but the sessions themselves, and healing ends them."""

    def _calibrate(self) -> tuple[int, float]:
        """A number of rows that keeps this server busy for long enough to be measured, and for how long."""
        with closing(self._slots.platform(APPLICATION_NAME)) as session:
            first_ms = min(_once_ms(session, _LEAST_ROWS) for _ in range(3))
            rows = max(_LEAST_ROWS, min(_MOST_ROWS, round(_LEAST_ROWS * _AIM_MS / max(first_ms, 0.1))))
            return rows, statistics.median(_once_ms(session, rows) for _ in range(_PROBES))

    def _probe_ms(self) -> float:
        with closing(self._slots.platform(APPLICATION_NAME)) as session:
            return statistics.median(_once_ms(session, self._probe_rows) for _ in range(_PROBES))


def _once_ms(session: psycopg.Connection[TupleRow], rows: int) -> float:
    begun_s = boot_s()
    postgres.query(session, _PROBE, (rows,), timeout_s=CALL_S)
    return (boot_s() - begun_s) * 1000


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, SlowQueriesParams)
    many = f"{params.sessions} sessions keep" if params.sessions > 1 else "1 session keeps"
    doing = "sorting" if params.work == "sort" else "hashing"
    what = f"the rows of {params.table}" if params.table is not None else "numbers"
    return f"{many} the database server busy with {doing} {what}"
