"""The faults of a run at work: each in a thread of its own, all healed at once when the halt comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from faults.fault import FaultPlan
from faults.injection import Injection
from harness.clock import Deadline

HEAL_S = 5.0


class FaultCrew:
    """Starts injections when they are due; `heal_all` may be called at any moment, from any thread."""

    def __init__(self, plans: tuple[FaultPlan, ...], build: Callable[[FaultPlan], Injection]) -> None:
        self.plans = tuple(sorted(plans, key=lambda p: p.at_s))
        self._build = build
        self._halt = threading.Event()
        self._injections: dict[str, Injection] = {}
        self._threads: dict[str, threading.Thread] = {}

    def start(self, plan: FaultPlan) -> None:
        """Inject a fault now; its thread proves it and heals it when its time is over or the halt comes."""
        injection = self._build(plan)
        self._injections[plan.id] = injection
        thread = threading.Thread(target=injection.play, args=(self._halt,), name=f"fault-{plan.id}", daemon=True)
        self._threads[plan.id] = thread
        thread.start()

    def heal_all(self) -> None:
        """Heal every fault at once, without waiting for the end of a measurement. Returns at once."""
        self._halt.set()
        for injection in tuple(self._injections.values()):
            threading.Thread(target=injection.heal, args=(Deadline.after(HEAL_S),), daemon=True).start()

    @property
    def at_work(self) -> tuple[str, ...]:
        """The ids of the faults whose threads have not ended."""
        return tuple(id_ for id_, thread in self._threads.items() if thread.is_alive())

    @property
    def states(self) -> Mapping[str, str]:
        """What each fault at work is doing, by its name."""
        alive = set(self.at_work)
        return {p.name: str(self._injections[p.id].state) for p in self.plans if p.id in alive}
