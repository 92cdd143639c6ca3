"""What every fault has in common that is made of a number of sessions: looked at before, counted, and ended."""

from __future__ import annotations

from faults.fault import Effect, FaultGone, FaultPlan, Healed, Measurement
from faults.marked_sessions import MarkedSessions, marker
from faults.objection import heed
from faults.server_slots import ServerSlots
from faults.session_facts import SessionFacts, look_for
from faults.session_objections import against
from faults.session_params import SessionParams
from faults.undo import SessionsUndo
from harness.clock import Deadline


class SessionFault:
    """The sessions of one fault of one run. `number`: how many were opened, 0 before."""

    def __init__(self, plan: FaultPlan, slots: ServerSlots, run: str, lease_s: float) -> None:
        self.plan = plan
        self.slots = slots
        self.sessions = MarkedSessions(slots, plan.id, marker(run, plan.id), lease_s)
        self.number = 0
        self._undo: SessionsUndo | None = None

    def look(self, params: SessionParams) -> SessionFacts:
        """What is there, by reading alone. Raises Refused or ReachFailed with what speaks against the fault."""
        facts = look_for(self.slots, params.wants)
        heed(against(facts, params.wants, params.allowed), f"database {self.slots.database}")
        return facts

    def record(self, longest_s: float) -> SessionsUndo:
        """The undo record. `longest_s`: how long their holder keeps the sessions at most."""
        self._undo = self.sessions.undo(longest_s)
        return self._undo

    def still_there(self) -> bool:
        """Whether the server has them all. Raises FaultGone, ReachFailed."""
        lost_number = self.number - self.sessions.count()
        if lost_number > 0:
            lost = (
                "its session is gone" if self.number == 1 else f"{lost_number} of its {self.number} sessions are gone"
            )
            raise FaultGone(f"{lost}: somebody ended them, the server was restarted, or their lease ran out")
        return self.number > 0

    def end(self, deadline: Deadline) -> Healed:
        """End them all. Idempotent. Raises NotHealed."""
        assert self._undo is not None
        return self.sessions.end(self._undo, deadline)

    def all_gone(self) -> Effect:
        """Whether the server has none of them any more. Raises ReachFailed."""
        left = self.sessions.count()
        text = f"{left} sessions named {self.sessions.marker} are left" if left else "its sessions are gone"
        return Effect("its sessions are gone", Measurement(text, {"sessions": float(left)}), effective=not left)
