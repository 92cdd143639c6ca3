"""Slot exhaustion: the database server's own slots are taken, and the platform's role is refused the next session.

The slots are taken by idle sessions of a role of its own, whose connection limit the server enforces. Every session
has a lease that the server ends (`slot_holder`). Proven as the platform's role: one session more than `leave` is
refused as "too many clients".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from faults.effect import judge
from faults.exhausting_role import objections, usable
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.leased_params import LeasedParams
from faults.marked_sessions import MarkedSessions, marker
from faults.objection import Objection, heed
from faults.observation import Observation
from faults.probe import APPLICATION_NAME
from faults.server_slots import SLOTS_FULL, ServerSlots, SlotFacts, look
from faults.slot_holder import Hold, SlotHolder
from faults.undo import SessionsUndo
from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed

MARK = "gameday-exhaust"
MOST_LEFT = 100
FILL_S = 20.0
OVERDUE_S = 20.0
"""A holder that nobody ends lets go by itself so long after the fault's time."""


class SlotExhaustionParams(LeasedParams):
    """`leave`: slots that stay free for anybody, beside those the server reserves. `evict`: end the platform's sessions
    once, so that it has to connect again."""

    leave: Annotated[int, Field(ge=0, le=MOST_LEFT, description="slots that anybody can still take")] = 3
    evict: bool = Field(default=False, description="end the platform's sessions once")


def against(facts: SlotFacts, params: SlotExhaustionParams) -> tuple[Objection, ...]:
    """Everything that speaks against playing the fault now: the roles, the server, the number of slots."""
    parties = (facts.exhausting, facts.server, facts.platform, facts.platform_server)
    found = objections(*parties, params.allowed)
    if facts.server.started != facts.watcher_server.started:
        differ = Objection("dsn and exhaust_dsn lead to two different servers", "let both name the same server")
        found = (*found, differ)
    return found or tuple(_shortfalls(facts, params))


def wanted(facts: SlotFacts, params: SlotExhaustionParams) -> int:
    """How many slots are to be taken."""
    return facts.count.free - params.leave + (facts.count.platform if params.evict else 0)


def _shortfalls(facts: SlotFacts, params: SlotExhaustionParams) -> Iterator[Objection]:
    count, role, most, want = facts.count, facts.exhausting, usable(facts.exhausting), wanted(facts, params)
    if params.leave == 0 and count.reserved == 0:
        yield Objection(
            "leave: 0 on a server that reserves no slots: nobody could log in any more",
            "write leave: 1 or more, or set superuser_reserved_connections",
        )
    if params.evict and not role.may_signal:
        yield Objection(
            f"the role {role.name} may not end other roles' sessions, which evict: true asks for",
            f"grant pg_signal_backend to {role.name}, or leave evict out",
        )
    if want <= 0:
        yield Objection(f"only {count.free} slots are free now: there is nothing to exhaust", "write a smaller leave")
    elif most is not None and most < want:
        yield Objection(
            f"the role {role.name} may hold {most} sessions (one more is kept for healing), and {want} are to be taken",
            f"alter role {role.name} connection limit {count.max_connections}",
        )


class SlotExhaustion:
    """The fault of one run on one database server."""

    def __init__(self, plan: FaultPlan, slots: ServerSlots, run: str) -> None:
        assert isinstance(plan.params, SlotExhaustionParams)
        self.plan = plan
        self._params = plan.params
        self._slots = slots
        self._sessions = MarkedSessions(slots, plan.id, marker(run, plan.id, MARK), plan.params.lease)
        self._role = "the platform's role"
        self._holder: SlotHolder | None = None
        self._undo: SessionsUndo | None = None

    def prepare(self) -> SessionsUndo:
        params, plan = self._params, self.plan
        facts = look(self._slots)
        heed(against(facts, params), f"database {self._slots.database}")
        self._role = facts.platform.name
        hold = Hold(
            marker=self._sessions.marker,
            leave=params.leave,
            lease_s=params.lease,
            most=usable(facts.exhausting),
            platform_role=facts.platform.name,
            evict=params.evict,
        )
        longest_s = plan.for_s + OVERDUE_S
        self._holder = SlotHolder(self._slots, hold, Deadline.after(longest_s))
        self._undo = self._sessions.undo(longest_s)
        return self._undo

    def inject(self) -> None:
        assert self._holder is not None
        self._holder.start()
        self._holder.wait_settled(Deadline.after(FILL_S))

    def prove_wire(self) -> Effect:
        leave = self._params.leave
        expected = f"the role {self._role} is refused a session, with {leave} slots left at most"
        opened, refusal = self._knock(leave + 1)
        values = {"sessions_opened": float(opened), "slots_held": float(self._holder.held if self._holder else 0)}
        if not refusal:
            text = f"the role {self._role} could open {opened} sessions, {leave} at most were to be left"
            return Effect(expected, Measurement(text, values), effective=False)
        before = f"after {opened} more sessions " if opened else ""
        return Effect(
            expected, Measurement(f"the role {self._role} is refused {before}({refusal})", values), effective=True
        )

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        effect = judge(before, during, delay_ms=None, sessions=self._slots.source)
        if effect.effective is not False or self._params.evict:
            return effect
        text = (
            f"{effect.measured.text}; an application that keeps its connections does not suffer: evict: true makes it "
            f"connect again"
        )
        return replace(effect, measured=replace(effect.measured, text=text))

    def present(self) -> bool:
        return self._holder is not None and self._holder.held > 0

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        if self._holder is not None:
            self._holder.close()
        return self._sessions.end(self._undo, deadline)

    def measure_healed(self, deadline: Deadline) -> Effect:
        expected = f"the role {self._role} gets a session again"
        while True:
            begun = boot_s()
            opened, refusal = self._knock(1)
            if opened:
                text = f"the role {self._role} got a session in {(boot_s() - begun) * 1000:.0f} ms"
                return Effect(expected, Measurement(text), effective=True)
            if deadline.passed:
                return Effect(
                    expected, Measurement(f"the role {self._role} is still refused ({refusal})"), effective=False
                )

    def close(self) -> None:
        """Nothing is held open but the slots themselves, and healing lets go of them."""

    def _knock(self, wanted: int) -> tuple[int, str]:
        """As the platform's role: how many of `wanted` sessions could be had at once, and the server's refusal of the
        next ("" when there was none). Raises ReachFailed for any other failure."""
        with ExitStack() as stack:
            for opened in range(wanted):
                try:
                    stack.enter_context(self._slots.platform(APPLICATION_NAME))
                except ReachFailed as error:
                    said = SLOTS_FULL.search(error.what)
                    if said is None:
                        raise
                    return opened, error.what.partition("FATAL:")[2].strip() or said[0]
        return wanted, ""


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, SlotExhaustionParams)
    evicted = ", and the platform's own sessions are ended once" if params.evict else ""
    return f"all of the server's slots but {params.leave} are taken{evicted}"
