"""A proxy as a fault sees it: the API that holds it, its addresses, and how to measure through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from faults import healing
from faults.fault import Effect, Healed
from faults.probe import Probe
from faults.proxy_changes import ProxyHold
from faults.undo import EnabledUndo, ToxicUndo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.reach.toxiproxy import ToxiproxyApi, ToxiproxyRejected
from harness.reach.toxiproxy_state import ProxyState, reachable_at


class Lease(Protocol):
    """The lease keeper beside a Toxiproxy of another machine; see `faults.lease`."""

    @property
    def host(self) -> str: ...

    @property
    def promise(self) -> str:
        """What it does once nobody here can reach anything."""

    def hold(self, undo: ToxicUndo | EnabledUndo) -> None:
        """Returns once the keeper has the record. Raises ReachFailed."""

    def release(self, fault_id: str) -> str:
        """The fault is off. The rung by which the keeper had done it, or ""."""


def _nothing_known() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class WireProxy:
    """`open_probe` makes a new probe through the proxy, connected on its first measurement.

    `managed_folder`: where the managed server's state lives, "" for somebody's own server. `sessions`: the source
    of the platform's sessions on it ("database.main", "cache.main"), "" when neither goes through it. `lease`: where
    its server runs on another machine. `way_past` looks whether the platform's connections go past it now, and says so
    in a sentence, "" where none does or it can't be known. `held`: what this run has on it, shared by all its faults.
    """

    name: str
    listen: str
    upstream: str
    api: ToxiproxyApi
    open_probe: Callable[[], Probe]
    managed_folder: str = ""
    sessions: str = ""
    lease: Lease | None = None
    way_past: Callable[[], str] = _nothing_known
    held: ProxyHold = field(default_factory=ProxyHold)

    @property
    def reachable(self) -> tuple[str, int]:
        """Host and port of the listener, as reached from here."""
        return reachable_at(self.listen, self.api.url)

    @property
    def has_database(self) -> bool:
        return self.sessions.startswith("database.")

    def hold(self, undo: ToxicUndo | EnabledUndo) -> None:
        """Before the injection: whoever outlives us beside the server has the undo record. Raises ReachFailed."""
        self.held.take(undo)
        if self.lease is not None:
            self.lease.hold(undo)

    def heal(self, undo: ToxicUndo | EnabledUndo, deadline: Deadline, *, settled: bool) -> Healed:
        """Take the fault off; the keeper is told of it once the injection is `settled`. Raises NotHealed."""
        healed = self._heal(undo, deadline, settled=settled)
        self.held.release(undo)
        return healed

    def _heal(self, undo: ToxicUndo | EnabledUndo, deadline: Deadline, *, settled: bool) -> Healed:
        if self.lease is None:
            return healing.heal(undo, deadline=deadline, allow=self.api.allow)
        try:
            healed = healing.heal(undo, deadline=deadline, allow=self.api.allow)
        except NotHealed as error:
            raise NotHealed(f"{error.what}; {self.lease.promise}", where=error.where, mend=error.mend) from error
        rung = self.lease.release(undo.fault_id) if settled else ""
        if not rung:
            return healed
        note = f"the lease keeper on {self.lease.host} had taken it off already ({rung})"
        # that it was gone already is what the keeper did
        more = healed.note if healed.rung != "absent" else ""
        return replace(healed, note="; ".join(part for part in (note, more) if part), by_keeper=True)

    def named(self, effect: Effect) -> Effect:
        """An effect at the platform that isn't there, with its usual reason where that can be seen."""
        if effect.effective is not False:
            return effect
        past = self.way_past()
        if not past and not self.sessions:
            past = f"does the platform connect to {self.listen}, the proxy {self.name}, and not past it?"
        measured = replace(effect.measured, text=f"{effect.measured.text}; {past}" if past else effect.measured.text)
        return replace(effect, measured=measured)

    def found(self) -> ProxyState:
        """The proxy as the server has it now. Raises ReachFailed when it isn't there or is closed."""
        try:
            state = self.api.proxy(self.name)
        except ToxiproxyRejected as error:
            if error.status != 404:
                raise
            raise ReachFailed(
                f"Toxiproxy has no proxy named {self.name}",
                where=self.api.url,
                mend="create it there, or let the target have a managed server",
            ) from error
        if not state.enabled:
            raise ReachFailed(
                f"the proxy {self.name} is closed: nothing goes through it",
                where=self.api.url,
                mend="is it a leftover? see `gameday heal`",
            )
        self.held.look(state)
        return state
