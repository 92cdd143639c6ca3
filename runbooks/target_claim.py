"""One game day at a time against one target, from whatever machine: the claim is held at the target itself.

Every place that can hold one is claimed, in a fixed order; one place that another run holds is enough to refuse. Each
claim ends by itself when its holder dies: with a session (PostgreSQL), with a time to live (Redis), or because it no
longer counts on (Toxiproxy). A claim that can't be renewed is no reason to stop: the fault may be what keeps us from
it. Another run that holds one is: two at once would each prove and heal the other's faults.
"""

from __future__ import annotations

import getpass
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from faults.undo import Undo
from harness.clock import boot_s, utc_now
from harness.errors import ReachFailed, Refused
from harness.journal.record import FaultHealed, Note, UndoWritten
from harness.reach.claim import PACE, Claim, Pace
from runbooks.claim_places import ClaimPlace, claim_places
from runbooks.recorder import Recorder
from runbooks.target import Target

RELEASE_S = 10.0
MEND = "wait for it, or end it where it runs with: gameday stop"


def own_claim(run: str) -> Claim:
    """A claim of this process for a run."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # an account without a name, in a container say
        user = "somebody"
    since = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
    return Claim(run, f"{user}@{socket.gethostname()}", since, secrets.token_hex(4))


class TargetClaim:
    """The claims of one run. `take` once; leaving the context releases what was taken, whenever that is."""

    def __init__(
        self,
        target: Target,
        run: str,
        recorder: Recorder,
        on_lost: Callable[[str], None],
        pace: Pace = PACE,
        places: Sequence[ClaimPlace] | None = None,
    ) -> None:
        """`on_lost` hears, from a thread, that another run holds the target too."""
        self._target = target
        self._claim = own_claim(run)
        self._record = recorder.record
        self._commit = recorder.commit
        self._on_lost = on_lost
        self._places = tuple(claim_places(target, pace)) if places is None else tuple(places)
        self._pace = pace
        self._over = threading.Event()
        self._lock = threading.Lock()  # one step at a time, and none after the release
        self._held: list[ClaimPlace] = []
        self._undos: dict[str, Undo] = {}
        self._sure_s: dict[str, float] = {}
        self._thread = threading.Thread(target=self._keep, name="claim", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.release()

    @property
    def held(self) -> tuple[str, ...]:
        """The places where the claim is held."""
        return tuple(place.name for place in self._held)

    def take(self) -> None:
        """Claim every place. Raises Refused where another run holds one, naming it; a place that can't be asked, or
        where we have no right, is noted and left out."""
        for place in self._places:
            with self._lock:
                if self._over.is_set():
                    return
                other = self._take_one(place)
            if other is not None:
                self.release()
                raise Refused(f"{place.name} of this target is held by {other}", where=self._target.name, mend=MEND)
        if self._held:
            self._record(Note(text=f"The target is claimed at {', '.join(self.held)}"))
            self._thread.start()

    def release(self) -> None:
        """Let go of everything that was taken. Idempotent, from any thread; bounded by RELEASE_S."""
        self._over.set()
        if not self._lock.acquire(timeout=RELEASE_S):
            return
        try:
            held, self._held = self._held, []
            for place in held:
                self._release_one(place)
        finally:
            self._lock.release()

    def _take_one(self, place: ClaimPlace) -> Claim | None:
        try:
            undo = place.undo(self._claim)
            if undo is not None:
                self._commit(UndoWritten(fault_id=undo.fault_id, undo=undo.model_dump()))
                self._undos[place.name] = undo
            other = place.take(self._claim, self._wait)
        except ReachFailed as error:
            self._release_one(place)
            self._record(Note(level="warning", text=f"{place.name} holds no claim of ours: {error}"))
            return None
        if other is None:
            self._held.append(place)
            self._sure_s[place.name] = boot_s()
        else:
            self._closed(place, "refused")
        return other

    def _release_one(self, place: ClaimPlace) -> None:
        try:
            place.release()
        except ReachFailed as error:
            # its undo record stays open: the healer tries on, and `gameday heal`
            self._record(Note(level="warning", text=f"the claim at {place.name} could not be released: {error}"))
            return
        self._closed(place, "released")

    def _closed(self, place: ClaimPlace, rung: str) -> None:
        undo = self._undos.pop(place.name, None)
        if undo is not None:
            self._record(FaultHealed(fault_id=undo.fault_id, by="conductor", rung=rung))

    def _keep(self) -> None:
        """The thread: renew, until released."""
        while not self._over.wait(self._pace.beat_s):
            for place in tuple(self._held):
                self._renew(place)

    def _renew(self, place: ClaimPlace) -> None:
        with self._lock:
            if self._over.is_set():
                return
            try:
                other = place.renew()
            except ReachFailed as error:
                self._doubt(place, error)
                return
            if other is None:
                self._sure_s[place.name] = boot_s()
                return
            self._held.remove(place)
            self._closed(place, "lost")
        self._on_lost(f"another game day holds the target too: {place.name} is held by {other}")

    def _doubt(self, place: ClaimPlace, error: ReachFailed) -> None:
        """Said once, when it may have run out."""
        if boot_s() - self._sure_s.get(place.name, boot_s()) < self._pace.lease_s:
            return
        self._sure_s.pop(place.name)
        text = f"the claim at {place.name} may have run out: {error.what}; it is asked for again"
        self._record(Note(level="warning", text=text))

    def _wait(self, seconds: float) -> bool:
        return not self._over.wait(seconds)
