"""A fault on a host: its guardian is started there, told to inject, and kept alive by our beats until it is healed."""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.hosts.action import HostAction, Values, general_objections
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.hosts.host_undo import HostUndo, end_on_host
from faults.hosts.lease import LEASE_S, Lease
from faults.hosts.program import ask_command, program, start_command
from faults.objection import Objection, heed
from faults.observation import Observation
from harness.clock import Deadline, steady_utc
from harness.errors import ReachFailed

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

OVERDUE_S = 20.0
"""A guardian that nobody ends takes the fault off by itself so long after the fault's time."""
START_S = 15.0
LOOK_S = 10.0
_MEASURE_S = 5.0
_END_S = 2.0
_MARGIN_S = 10.0
_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Look:
    """What a host said before anything is touched. `values` are those of the fault's program."""

    facts: Facts
    objections: tuple[Objection, ...]
    values: Values
    says: str = ""


class HostFault:
    """The fault of one run on one host. `action` is what its kind does."""

    def __init__(self, plan: FaultPlan, host: FaultHost, run: str, action: HostAction) -> None:
        self.plan = plan
        self._host = host
        self._action = action
        self._door = host.open()  # the measurements'; the guardian's channel has a connection of its own
        self._name = folder_name(run, plan.id)
        self._values: Mapping[str, str] = {}
        self._undo: HostUndo | None = None
        self._before = Facts()
        self._lease: Lease | None = None

    def look(self, deadline: Deadline) -> Look:
        """Everything that speaks for or against it; reads only. Raises ReachFailed."""
        chosen = {**self._common(), **self._action.choose(self._host, self._door, self._name, deadline)}
        facts = self._ask(self._door, "find", chosen, deadline)
        objections = (*general_objections(self._action, facts), *self._action.against(facts))
        if objections:
            return Look(facts, objections, chosen)
        return Look(facts, (), {**chosen, **self._action.settle(facts)}, self._action.says(facts))

    def prepare(self) -> HostUndo:
        deadline = Deadline.after(LOOK_S)
        look = self.look(deadline)
        heed(look.objections, f"host {self._host.name}")
        self._values = look.values
        self._before = self._measure(self._door, deadline)
        longest_s = START_S + int(look.values["limit_s"]) + LEASE_S + _MARGIN_S
        self._undo = HostUndo(
            fault_id=self.plan.id,
            kind=self.plan.kind,
            host=self._host.name,
            ssh=self._host.ssh,
            identity=str(self._host.identity or ""),
            known_hosts=str(self._host.known_hosts or ""),
            folder=look.values["dir"],
            values=look.values,
            what=self._action.what(look.values),
            by_hand=self._action.by_hand(look.values),
            ends_itself=self._action.ends_itself,
            over_at=(steady_utc() + timedelta(seconds=longest_s)).isoformat(timespec="seconds"),
        )
        return self._undo

    def inject(self) -> None:
        deadline = Deadline.after(START_S)
        text = program(self.plan.kind, self._values)
        door = self._host.open()
        try:
            stream = door.stream(start_command(self._values["dir"], text), deadline)
        except ReachFailed:
            door.close()
            raise
        self._lease = Lease(stream, f"host {self._host.name}")
        self._lease.begin(deadline)

    def prove_wire(self) -> Effect:
        return self._action.effect(self._before, self._measure(self._door, Deadline.after(_MEASURE_S)))

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return self._action.seen(self._host.name, before, during)

    def present(self) -> bool:
        return self._lease is not None and self._lease.holds

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        lease = self._lease
        if lease is not None and lease.end(Deadline.after(min(_END_S, deadline.left_s() / 2))):
            return Healed("guardian")
        return end_on_host(self._undo, deadline, self._host.allow)

    def measure_healed(self, deadline: Deadline) -> Effect:
        door = self._host.open()
        pause = threading.Event()
        try:
            while True:
                effect = self._healed(door, deadline)
                if effect.effective or deadline.passed:
                    return effect
                pause.wait(_PAUSE_S)
        finally:
            door.close()

    def close(self) -> None:
        self._door.close()

    def _healed(self, door: SshDoor, deadline: Deadline) -> Effect:
        try:
            now = self._measure(door, Deadline.after(max(1.0, deadline.left_s())))
        except ReachFailed as error:
            return Effect("the host is as before", Measurement(f"it could not be measured: {error}"), effective=None)
        return self._action.healed(self._before, now)

    def _common(self) -> Values:
        return {
            "dir": f"/tmp/{self._name}",  # noqa: S108 - made by mkdir with mode 700, under a name of its own
            "lease_s": str(LEASE_S),
            "limit_s": str(math.ceil(self.plan.for_s + OVERDUE_S)),
            "sudo": "yes" if self._action.sudo else "",
        }

    def _measure(self, door: SshDoor, deadline: Deadline) -> Facts:
        return self._ask(door, "measure", self._values, deadline)

    def _ask(self, door: SshDoor, role: str, values: Values, deadline: Deadline) -> Facts:
        answer = door.run(ask_command(role), deadline, input=program(self.plan.kind, values).encode())
        try:
            return Facts.read(answer.stdout.decode(errors="replace"), f"host {self._host.name}")
        except ReachFailed as error:
            said = " ".join(answer.stderr.decode(errors="replace").split())[:200]
            raise ReachFailed(f"{error.what}: {said}" if said else error.what, where=error.where) from error


def folder_name(run: str, fault_id: str) -> str:
    """What is known of a fault on its host lies in a folder of this name; no other run has the same."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"gameday-{run}-{fault_id}")
    unique = hashlib.sha256(plain.encode()).hexdigest()[:8]
    return f"{plain[:80]}-{unique}"
