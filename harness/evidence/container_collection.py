"""What is collected from containers: their logs since the start of the run, and how they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from harness.clock import Clock, Deadline
from harness.errors import GamedayError, JournalFailed, ReachFailed
from harness.evidence.bundle import Bundle
from harness.evidence.container_log import fetch
from harness.evidence.container_state import state_json
from harness.journal.record import ClockOffset, EvidenceMissing
from harness.reach.container_facts import ContainerEvent, ContainerState
from harness.reach.container_roster import ContainerRoster, Member
from harness.reach.docker_clock import engine_ahead, engine_offset
from harness.redaction import Redactor

LOG, STATE = "log", "state"
_LOOK_S = 3.0
_EARLIER = timedelta(seconds=1)  # clocks differ, and a line too many does no harm
_NO_LOG = ("none",)


class ContainerCollection:
    """The collection from the containers of a roster; `only`, when there is one, says which by their short names or
    their own. Nothing in it raises: what could not be had is missing, with its reason."""

    name = "containers"

    def __init__(self, roster: ContainerRoster, clock: Clock, only: Sequence[str] | None = None) -> None:
        self._roster = roster
        self._clock = clock
        self._only = None if only is None else frozenset(only)
        self._before: dict[str, Member] = {}  # by source
        self._offset: ClockOffset | None = None

    def remember(self, deadline: Deadline) -> tuple[EvidenceMissing, ...]:
        """Note which containers there are, and what the engine's clock says. What fails is no loss yet."""
        try:
            self._offset = engine_offset(self._roster.door, self._clock, deadline)
            self._before = {member.source: member for member in self._members(deadline)}
        except ReachFailed:
            return ()
        return ()

    def collect(self, bundle: Bundle, deadline: Deadline, wanted: Callable[[], bool] = lambda: True) -> None:
        """Put everything into `bundle`, from all containers at the same time. It ends at `deadline`."""
        try:
            members = {member.source: member for member in self._members(_at_most(deadline, _LOOK_S))}
            events = self._events(_at_most(deadline, _LOOK_S))
        except ReachFailed as error:
            for source in self._before or (self.name,):
                self._miss(bundle, source, str(error))
            return
        for source in self._before.keys() - members.keys():
            self._miss(bundle, source, "the container was removed during the run")
        if not members and not self._before:
            self._miss(bundle, self.name, "no container matches")
        threads = [
            threading.Thread(target=self._one, args=(member, events, bundle, deadline, wanted), daemon=True)
            for member in members.values()
        ]
        for thread in threads:
            thread.start()
        for member, thread in zip(members.values(), threads, strict=True):
            thread.join(deadline.left_s())
            if thread.is_alive() and wanted():
                bundle.add_missing(member.source, "what is not listed", "the engine did not answer by the deadline")

    @property
    def _ahead(self) -> timedelta:
        return engine_ahead(self._offset, self._roster.door, self._clock)

    @property
    def _began(self) -> datetime:
        """When the run began, on the engine's clock; earlier where that was set back since."""
        ahead_s = self._offset.significant_s if self._offset is not None else 0.0
        return self._clock.started_at + min(timedelta(seconds=ahead_s), self._ahead) - _EARLIER

    def _members(self, deadline: Deadline) -> list[Member]:
        only = self._only
        return [m for m in self._roster.look(deadline) if only is None or m.short in only or m.listed.name in only]

    def _events(self, deadline: Deadline) -> tuple[ContainerEvent, ...] | None:
        """All events since the start of the run; None where the engine does not tell them."""
        door = self._roster.door
        lag = timedelta() if door.local else timedelta(seconds=3)
        try:
            until = self._clock.utc(self._clock.now_s()) + self._ahead - lag
            return door.events(self._began, until, deadline) if until > self._began else ()
        except ReachFailed:
            return None

    def _one(
        self,
        member: Member,
        events: tuple[ContainerEvent, ...] | None,
        bundle: Bundle,
        deadline: Deadline,
        wanted: Callable[[], bool],
    ) -> None:
        """One container; its log is of the container that has its name now."""
        try:
            state = self._state(member, deadline)
            known = self._before.get(member.source)
            if known is not None and known.listed.id != state.id:
                reason = "it was made anew during the run, and its log went with it"
                bundle.add_missing(member.source, f"{LOG} of the container {known.listed.id[:12]}", reason)
            own = None if events is None else [e for e in events if e.id == state.id or e.name == state.name]
            if wanted():
                bundle.add_text(member.source, STATE, "state.json", state_json(state, own))
        except (ReachFailed, JournalFailed) as error:
            self._miss(bundle, member.source, error.what)
            return
        if wanted():
            self._log(member, state, bundle, deadline)

    def _state(self, member: Member, deadline: Deadline) -> ContainerState:
        state = self._roster.door.inspect(member.listed.id, deadline)
        if state is None:
            raise ReachFailed("the container was removed during the run")
        return state

    def _log(self, member: Member, state: ContainerState, bundle: Bundle, deadline: Deadline) -> None:
        try:
            if state.log_driver in _NO_LOG:
                raise ReachFailed(f"its logging driver is {state.log_driver!r}: nothing is kept")
            log = fetch(self._roster.door, state.id, tty=state.tty, since=self._began, deadline=deadline)
            if not log.text:
                bundle.add_unchanged(member.source, LOG)
                return
            # what it was given as a secret may stand in its log without looking like one
            text = Redactor(_secret_values(state)).text(log.text)
            bundle.add_text(member.source, LOG, f"{member.short}.log", text, truncated=log.truncated)
        except GamedayError as error:
            bundle.add_missing(member.source, LOG, self._why(error, state))

    def _why(self, error: GamedayError, state: ContainerState) -> str:
        if "logging driver" in error.what and state.log_driver not in error.what:
            return f"{error.what} (its logging driver is {state.log_driver!r})"
        return error.what

    def _miss(self, bundle: Bundle, source: str, reason: str) -> None:
        for what in (LOG, STATE):
            bundle.add_missing(source, what, reason)


def _secret_values(state: ContainerState) -> list[str]:
    """The values among its environment variables that are secret by their names or by their looks."""
    plain = Redactor()
    return [value for name, value in state.secrets if plain.value({name: value}) != {name: value}]


def _at_most(deadline: Deadline, seconds: float) -> Deadline:
    return Deadline(min(deadline.at_boot_s, Deadline.after(seconds).at_boot_s))
