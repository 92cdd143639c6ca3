"""Cache pause: the server takes commands and answers none, by CLIENT PAUSE, as a stalled or swapping one does.

Each pause is a lease that the server itself ends; a holder renews it (`pause_holder`). Proven through the data path
that the platform uses: a command that is held.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults import cache_pause_healing, wire
from faults.cache_pause_healing import CachePauseUndo
from faults.cache_server import CacheServer, Commands, pause_state
from faults.cache_undo import in_pieces, marker
from faults.effect import judge
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.observation import Observation
from faults.pause_holder import PauseHolder, Rhythm
from faults.probe import Probe
from faults.quantity import Seconds
from harness.clock import Deadline
from harness.errors import ReachFailed

OVERDUE_S = 20.0
"""A holder that nobody ends lets go by itself so long after the fault's time."""
_MARK = "pause"
_PATIENCE_MS = 100.0
"""A platform gives up on a held command after its own timeout, and hardly one is shorter: its requests take longer by
that, if they don't fail."""


class CachePauseParams(BaseModel):
    """`commands`: which are held. `lease`: how soon the server ends the pause by itself when nobody renews it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    commands: Commands = "all"
    lease: Annotated[Seconds, Field(ge=0.2, le=2.0, description="the server ends what isn't renewed so long")] = 1.0

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm(self.commands, self.lease)


class PausedCache:
    """A fault that pauses a cache's server in a `rhythm`; `rule` says how it shows on the wire, `delay_ms` what it adds
    to a command at least."""

    def __init__(
        self,
        plan: FaultPlan,
        server: CacheServer,
        run: str,
        *,
        rhythm: Rhythm,
        rule: wire.WireRule,
        delay_ms: float,
    ) -> None:
        self.plan = plan
        self._server = server
        self._marker = marker(_MARK, run, plan.id)
        self._rhythm = rhythm
        self._rule = rule
        self._delay_ms = delay_ms
        self._probe: Probe | None = None
        self._before: wire.WireBefore | None = None
        self._holder: PauseHolder | None = None
        self._undo: CachePauseUndo | None = None

    def prepare(self) -> CachePauseUndo:
        self._refuse_paused()
        self._probe = self._probe or self._server.probe(self._rhythm.commands)
        self._before = self._rule.survey(self._probe)
        until = Deadline.after(self.plan.for_s + OVERDUE_S)
        self._holder = PauseHolder(self._server, self._rhythm, self._marker, until)
        self._undo = CachePauseUndo(
            fault_id=self.plan.id,
            cache=self._server.cache,
            url=in_pieces(self._server.reference),
            folder=str(self._server.folder),
            marker=self._marker,
            lease_s=self._rhythm.pause_s,
        )
        return self._undo

    def inject(self) -> None:
        assert self._holder is not None
        self._holder.start()

    def prove_wire(self) -> Effect:
        assert self._probe is not None
        assert self._before is not None
        return self._rule.prove(self._probe, self._before)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        return judge(before, during, delay_ms=self._delay_ms, sessions=self._server.source)

    def present(self) -> bool:
        if self._holder is None or not self._holder.alive:
            return False
        state = self._holder.state()
        return state is None or not state.known or state.paused

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        if self._holder is not None and (rung := self._holder.close(deadline)) != "absent":
            return Healed(rung)
        return cache_pause_healing.see_over(self._undo, deadline, self._server.allow)

    def measure_healed(self, deadline: Deadline) -> Effect:
        assert self._before is not None
        probe = self._server.probe(self._rhythm.commands)
        try:
            effect = wire.measure_back(self._rule, probe, self._before, deadline)
        finally:
            probe.close()
        foreign = "" if effect.effective else self._foreign()
        return Effect(effect.expected, Measurement(foreign), effective=None) if foreign else effect

    def close(self) -> None:
        if self._probe is not None:
            self._probe.close()

    def _refuse_paused(self) -> None:
        """A pause that is somebody else's can't be told from ours afterwards."""
        session = self._server.session()
        try:
            state = pause_state(session)
        finally:
            session.close()
        if state.paused:
            raise ReachFailed(
                f"somebody else has paused its clients, for {state.left_ms / 1000:.1f} s more",
                where=self._server.source,
                mend="wait for its end, or type: CLIENT UNPAUSE",
            )

    def _foreign(self) -> str:
        """In words, a pause that is on although ours has ended; "" where it can't be told."""
        try:
            session = self._server.session()
        except ReachFailed:
            return ""
        try:
            state = pause_state(session)
        except ReachFailed:
            return ""
        finally:
            session.close()
        return f"somebody else's CLIENT PAUSE is on for {state.left_ms / 1000:.1f} s more" if state.paused else ""


def cache_pause(plan: FaultPlan, server: CacheServer, run: str) -> PausedCache:
    """The fault of a plan whose params are CachePauseParams."""
    params = plan.params
    assert isinstance(params, CachePauseParams)
    rule = wire.Silenced(wire.SILENCE_S)
    return PausedCache(plan, server, run, rhythm=params.rhythm, rule=rule, delay_ms=_PATIENCE_MS)


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, CachePauseParams)
    held = "commands are held" if params.commands == "all" else "writes are held, and reads answered"
    return f"{held} until the fault is over"
