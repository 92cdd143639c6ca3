"""A fault on containers: who is hit is chosen when it is prepared, written down, and put back exactly as found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from faults.containers import healing, proof
from faults.containers.act import Act, NetworkCut, act_of
from faults.containers.found import FoundContainer, readable
from faults.containers.group import ContainerGroup
from faults.containers.knock import published_port
from faults.containers.look import Look
from faults.containers.params import ContainerParams
from faults.containers.selection import Candidate, Selection, select
from faults.containers.undo import ContainersUndo
from faults.containers.usage import Usage, measure
from faults.containers.victim import Victim
from faults.effect import judge
from faults.fault import Effect, FaultGone, FaultPlan, Healed, Measurement
from faults.observation import Observation
from harness.clock import Deadline, utc_now
from harness.errors import ReachFailed

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter

S = TypeVar("S")
T = TypeVar("T")
LOOK_S = 8.0
MEASURE_S = 4.0
LOOK_AGAIN_S = 2.0
_AGAIN_S = 0.2
_AT_ONCE = 8


def chosen(writer: ContainerWriter, group: ContainerGroup, plan: FaultPlan, act: Act) -> Selection:
    """Who would be hit now, each of them checked. By reading alone; raises Refused or ReachFailed."""
    deadline = Deadline.after(LOOK_S)
    with readable(writer.where):
        selection = select(writer, group, plan, deadline)
        for candidate in selection.hit:
            act.check(candidate, Look(writer, deadline))
    return selection


class ContainerFault:
    """The fault of one run on containers of one engine."""

    def __init__(self, plan: FaultPlan, group: ContainerGroup, run: str) -> None:
        del run  # containers are known by their ids
        assert isinstance(plan.params, ContainerParams)
        self.plan = plan
        self._params = plan.params
        self._group = group
        self._writer = group.open()
        self._act = act_of(plan.params)
        self._victims: tuple[Victim, ...] = ()
        self._undo: ContainersUndo | None = None
        self._on_wire = False
        self._absorbed = ""

    def prepare(self) -> ContainersUndo:
        selection = chosen(self._writer, self._group, self.plan, self._act)
        facts = self._writer.facts(Deadline.after(MEASURE_S))
        self._victims = tuple(self._of_all(selection.hit, self._as_before))
        cut = {n for v in self._victims for n in self._act.cut_of(v.found)} if isinstance(self._act, NetworkCut) else ()
        # a second earlier: an engine tells its events by a clock that need not be ours to the millisecond
        since = utc_now() + facts.ahead - timedelta(seconds=1)
        self._undo = ContainersUndo(
            fault_id=self.plan.id,
            engine=self._writer.where,
            kind=self.plan.kind,
            containers=tuple(victim.found for victim in self._victims),
            cut=tuple(sorted(cut)),
            settle_s=self._params.settle_s,
            since=since.isoformat(),
            ahead_s=facts.ahead.total_seconds(),
        )
        return self._undo

    def inject(self) -> None:
        self._of_all([v.found for v in self._victims], lambda found: self._act.inject(self._writer, found))

    def prove_wire(self) -> Effect:
        assert self._undo is not None
        undo = self._undo
        seen = self._of_all(self._victims, lambda victim: proof.seen(self._writer, self._act, victim, undo))
        effective = None if any(s.shown is None for s in seen) else all(s.shown for s in seen)
        self._on_wire = effective is True
        absorbed = [proof.absorbed(self._act, v, s) for v, s in zip(self._victims, seen, strict=True)]
        self._absorbed = "; ".join(text for text in absorbed if text)
        text = "; ".join(s.text for s in seen)
        several = len(seen) > 1
        values = {
            f"{victim.found.short}.{key}" if several else key: value
            for victim, s in zip(self._victims, seen, strict=True)
            for key, value in s.values.items()
        }
        who = ", ".join(undo.hit)
        return Effect(f"{who}: {self._params.doing}", Measurement(text, values), effective)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        effect = judge(before, during, delay_ms=proof.SLOWER_MS)
        if effect.effective is not False or not self._on_wire:
            return effect
        if not self._absorbed:
            return effect
        text = f"{effect.measured.text}; the platform goes on all the same: {self._absorbed}"
        return Effect(effect.expected, Measurement(text, effect.measured.values), effective=True)

    def present(self) -> bool:
        nows = self._of_all([v.found for v in self._victims], partial(_now, self._writer))
        pairs = [(victim.found, now) for victim, now in zip(self._victims, nows, strict=True)]
        off = [proof.became(found, now) for found, now in pairs if not self._act.is_on(found, now)]
        if off:
            raise FaultGone("; ".join(off))
        return True

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        return healing.heal(self._undo, deadline, self._group.allow)

    def measure_healed(self, deadline: Deadline) -> Effect:
        founds = [victim.found for victim in self._victims]
        expectation = f"{', '.join(f.short for f in founds)} as found: status, limits, restart policy, networks"
        with closing(self._group.open()) as writer:
            while True:
                nows = self._of_all(founds, partial(_now, writer))
                there = [(found, now) for found, now in zip(founds, nows, strict=True) if now is not None]
                differences = [text for found, now in there for text in found.differences(now, self._act.leaves)]
                if not differences or deadline.left_s() <= _AGAIN_S:
                    break
                threading.Event().wait(_AGAIN_S)  # a restart policy may be at work
        if differences:
            mend = self._mend(there)
            return Effect(expectation, Measurement("; ".join(differences)), effective=False, mend=mend)
        gone = [found.short for found, now in zip(founds, nows, strict=True) if now is None]
        if gone:
            text = f"{', '.join(gone)} is not there any more: removed or made anew by somebody else"
            return Effect(expectation, Measurement(text), effective=None)
        text = "; ".join([proof.as_found(there), *(text for found, now in there for text in found.moved(now))])
        return Effect(expectation, Measurement(text), effective=True)

    def _mend(self, there: Sequence[tuple[FoundContainer, FoundContainer]]) -> str:
        """What a person types besides or instead of what heals the fault: no fault of ours changes a restart policy."""
        assert self._undo is not None
        changed = [
            healing.policy_command(self._undo, found)
            for found, now in there
            if (now.restart_policy, now.restart_retries) != (found.restart_policy, found.restart_retries)
        ]
        others = any(found.differences(now, {*self._act.leaves, "restart policy"}) for found, now in there)
        return " && ".join([healing.command(self._undo)] * others + changed) if changed else ""

    def close(self) -> None:
        self._writer.close()

    def _as_before(self, candidate: Candidate) -> Victim:
        found = candidate.found
        with readable(self._writer.where):
            port = published_port(candidate.attributes, self._writer.where, self._group.allow)
        usage: Usage | None = None
        with suppress(ReachFailed):  # what it used is only one of the signs
            usage = measure(self._writer, found.id, Deadline.after(MEASURE_S))
        return Victim(found, usage, port, port.knock() if port is not None else None)

    @staticmethod
    def _of_all(items: Sequence[S], work: Callable[[S], T]) -> list[T]:
        """Side by side; the first failure is raised once all have ended."""
        with ThreadPoolExecutor(min(_AT_ONCE, len(items)), thread_name_prefix="container") as pool:
            return list(pool.map(work, items))


def _now(writer: ContainerWriter, found: FoundContainer) -> FoundContainer | None:
    attributes = writer.attributes(found.id, Deadline.after(LOOK_AGAIN_S))
    return FoundContainer.of(attributes, found.short) if attributes is not None else None
