"""A container's readings and crashes, through its Docker Engine."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from typing import Any

from harness.clock import Deadline, boot_s
from harness.errors import ReachFailed, ReachTimeout
from harness.journal.record import CrashSeen
from harness.monitor.container_crash import Coroner, Death, crash_of, deaths_between, survived
from harness.monitor.container_events import EngineEvents
from harness.monitor.container_usage import Usage
from harness.reach.container_facts import ContainerEvent, ContainerState
from harness.reach.container_roster import Member
from harness.reach.docker import DockerDoor

TIMEOUT_S = 2.0
_LOOK_EVERY_S = 5.0  # besides whenever something happened
_PATIENCE_S = 0.25
_STALE_S = 5.0


class ContainerSource:
    """Readings of one container, whichever has its name: one that was made anew goes on under it.

    `running` (1 or 0), `restarts` (since the run began), `health` (1 or 0, where a health check has said so); while it
    runs `cpu` (the share of the CPUs that it may use), `memory` (the share of its limit, of the machine's memory
    without one), `memory_bytes`, `processes` (threads counted), and `received_`, `sent_`, `disk_read_` and
    `disk_write_bytes_per_s` where the engine knows them.
    """

    def __init__(self, member: Member, door: DockerDoor, events: EngineEvents, *, timeout_s: float = TIMEOUT_S) -> None:
        self.name = member.source
        self._short = member.short
        self._container = member.listed.name
        self._door = door
        self._events = events
        self._timeout_s = timeout_s
        self._seen_events = 0
        self._coroner = Coroner()
        self._before_held: ContainerState | None = None  # as it was before a death that is held back
        self._state: ContainerState | None = None
        self._known: ContainerState | None = None  # when it was last there
        self._looked_boot_s: float | None = None
        self._restarts = 0
        self._crashes: list[CrashSeen] = []
        self._meter = _Meter(door)

    def read(self) -> dict[str, float]:
        """The values now; a container that is not there does not run. Raises ReachFailed."""
        before = self._known
        happened = self._what_happened()
        if happened or happened is None or self._is_old() or self._coroner.waits:
            self._state = self._door.inspect(self._container, Deadline.after(self._timeout_s))
            self._looked_boot_s = boot_s()
            self._count_restarts(before)
            self._known = self._state or before
        self._note_crashes(happened, before)
        state = self._state
        values = {"running": float(state is not None and state.running), "restarts": float(self._restarts)}
        if state is None:
            return values
        if state.health in ("healthy", "unhealthy"):
            values["health"] = float(state.health == "healthy")
        return values | (self._meter.read(state) if state.running else self._meter.pause())

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        """The crashes seen since the last call."""
        crashes, self._crashes = tuple(self._crashes), []
        return crashes

    def close(self) -> None:
        """The door is shared, and stays open."""
        self._meter.close()

    def _what_happened(self) -> list[ContainerEvent] | None:
        """The new events of this container; None where the engine tells none at all."""
        try:
            events = self._events.since(self._seen_events)
        except ReachTimeout:
            raise
        except ReachFailed:
            return None
        self._seen_events += len(events)
        known = self._known.id if self._known is not None else ""
        return [e for e in events if e.name == self._container or e.id == known]

    def _is_old(self) -> bool:
        # a remote engine's events come late
        every_s = _LOOK_EVERY_S if self._door.local else 0.0
        return self._looked_boot_s is None or boot_s() - self._looked_boot_s >= every_s

    def _count_restarts(self, before: ContainerState | None) -> None:
        now = self._state
        if before is None or now is None or now.started_at in (None, before.started_at):
            return
        by_policy = now.restart_count - before.restart_count if now.id == before.id else 0
        self._restarts += max(1, by_policy)

    def _note_crashes(self, happened: list[ContainerEvent] | None, before: ContainerState | None) -> None:
        now, now_s = self._state, boot_s()
        before = self._before_held or before
        deaths = self._coroner.deaths(happened, now_s) if happened is not None else self._deaths_seen(before)
        self._before_held = before if self._coroner.holds else None
        for death in deaths:
            at = round(self._events.run_s(death.at), 3) if death.at is not None else None
            crash = crash_of(self._short, death, before, now)
            if crash is not None and (at is None or at >= 0):
                self._crashes.append(crash.model_copy(update={"at": at}))
        oom_at = self._coroner.survived_oom(now_s, runs=now is not None and now.running)
        if oom_at is not None:
            at = round(self._events.run_s(oom_at), 3)
            self._crashes.append(survived(self._short, now).model_copy(update={"at": at}))

    def _deaths_seen(self, before: ContainerState | None) -> list[Death]:
        """Without events; should they come after all, none of these is told again."""
        deaths = deaths_between(before, self._state)
        for death in deaths:
            self._coroner.was_seen(death)
        return deaths


class _Meter:
    """The last measurement of a container. An engine may take a second for one, so the next is asked for ahead."""

    def __init__(self, door: DockerDoor) -> None:
        self._door = door
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="container stats")
        self._asked: Future[dict[str, Any] | None] | None = None
        self._asked_of = ""
        self._last: Usage | None = None
        self._rates: dict[str, float] = {}
        self._fresh_boot_s = 0.0

    def read(self, state: ContainerState) -> dict[str, float]:
        """The values of the last measurement. Raises ReachFailed when it failed, or is too old."""
        if self._asked_of != state.id:
            self._begin(state)
        assert self._asked is not None
        try:
            stats = self._asked.result(timeout=_PATIENCE_S)
        except NotDone:
            if boot_s() - self._fresh_boot_s > _STALE_S:
                raise ReachTimeout("the engine measures nothing", where=self._door.where) from None
        except ReachFailed:
            self._ask(state.id)
            raise
        else:
            self._ask(state.id)
            self._take(stats or {}, state)
        return {**self._last.levels(), **self._rates} if self._last is not None else {}

    def pause(self) -> dict[str, float]:
        """There is nothing to measure, and what was measured says nothing about the time after."""
        self._asked_of, self._last, self._rates = "", None, {}
        return {}

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _begin(self, state: ContainerState) -> None:
        self.pause()
        self._asked_of, self._fresh_boot_s = state.id, boot_s()
        self._ask(state.id)

    def _ask(self, container: str) -> None:
        self._asked = self._worker.submit(self._door.stats, container, Deadline.after(_STALE_S))

    def _take(self, stats: dict[str, Any], state: ContainerState) -> None:
        try:
            usage = Usage.of(stats)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise ReachFailed(f"no reading: {error!r} in what the engine says", where=self._door.where) from error
        if usage is None:
            return
        if self._last is not None and usage.at > self._last.at:
            self._rates = usage.rates_since(self._last, state.cpus)
        self._last, self._fresh_boot_s = usage, boot_s()
