"""Watches all containers of the platform, also those that come during the run."""

from __future__ import annotations

import threading
from collections.abc import Callable

from harness.clock import Clock, Deadline, boot_s
from harness.errors import ReachFailed
from harness.journal.record import Gap, Record
from harness.monitor.container import TIMEOUT_S, ContainerSource
from harness.monitor.container_events import EngineEvents
from harness.monitor.sampler import GAP_EVERY_S, Sampler
from harness.reach.container_roster import ContainerRoster

LOOK_EVERY_S = 3.0
SOURCE = "containers"


class ContainerWatch:
    """A sampler for each container of `roster`; it is started and stopped as a sampler is. `emit` must not block."""

    def __init__(self, roster: ContainerRoster, emit: Callable[[Record], None], clock: Clock) -> None:
        self._roster = roster
        self._emit = emit
        self._clock = clock
        self._events = EngineEvents(roster.door, clock, timeout_s=TIMEOUT_S)
        self._samplers: dict[str, Sampler] = {}
        self._last_gap_boot_s: float | None = None
        self._told_clock = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="container watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """No record comes after this. True once all threads have ended, False when one still hangs in a call."""
        deadline = Deadline.after(timeout_s)
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        samplers = list(self._samplers.values())
        for sampler in samplers:
            sampler.stop(0.0)
        ended = [sampler.stop(deadline.left_s()) for sampler in samplers]
        return all(ended) and not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._look()
            if self._stopping.wait(LOOK_EVERY_S):
                return

    def _look(self) -> None:
        try:
            members = self._roster.look(Deadline.after(TIMEOUT_S))
        except ReachFailed as error:
            self._gap(str(error))
            return
        if not members:
            self._gap("no container matches")
        if self._events.offset is not None and not self._told_clock:
            self._told_clock = True
            self._emit(self._events.offset)
        for member in members:
            if member.source not in self._samplers and not self._stopping.is_set():
                source = ContainerSource(member, self._roster.door, self._events)
                sampler = self._samplers[member.source] = Sampler(source, self._emit, self._clock)
                sampler.start()

    def _gap(self, reason: str) -> None:
        now = boot_s()
        overdue = self._last_gap_boot_s is None or now - self._last_gap_boot_s >= GAP_EVERY_S
        if overdue and not self._stopping.is_set():
            self._last_gap_boot_s = now
            self._emit(Gap(t=self._clock.now_s(), source=SOURCE, reason=reason))
