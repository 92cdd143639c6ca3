"""Cache connections: those that the server takes (maxclients) are taken, and the platform is refused new ones.

They are idle connections of our own, named by the run, which close with this process. Proven through the data path that
the platform uses: one more than `leave` is refused as "max number of clients reached".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults import connection_healing
from faults.cache_room import Bound, Room, count_room, read_bound
from faults.cache_server import CALL_S, CacheServer, may
from faults.cache_undo import in_pieces, marker
from faults.connection_healing import ConnectionsUndo
from faults.connection_holder import ConnectionHolder, Hold
from faults.effect import fewer_commands, judge
from faults.fault import Effect, FaultPlan, Healed, Measurement
from faults.objection import Objection, heed
from faults.observation import Observation
from faults.probe import APPLICATION_NAME
from harness.clock import Deadline, boot_s, steady_utc
from harness.reach.redis_session import Rejected

MOST_LEFT = 100
MOST_HELD = 20_000
FILL_S = 20.0
EACH_S = 0.005
OVERDUE_S = 20.0
"""A holder that nobody ends lets go by itself so long after the fault's time."""
_MARK = "connections"
_MARGIN_S = 10.0


class CacheConnectionsParams(BaseModel):
    """`leave`: connections that stay free for anybody, the platform too. `evict`: end the other clients' connections
    once, so that they have to connect again. `allow_unbounded`: hold them on a server that would never end those of a
    machine that vanishes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    leave: Annotated[int, Field(ge=0, le=MOST_LEFT, description="connections that anybody can still take")] = 1
    evict: bool = Field(default=False, description="end the connections of all others once")
    allow_unbounded: bool | None = Field(
        default=None, description="though the server would keep a vanished machine's connections"
    )


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """The server before the fault. `may_list`: whether our user may list and end connections, which healing by another
    process needs."""

    room: Room
    bound: Bound
    may_name: bool
    may_list: bool


def look(server: CacheServer) -> RoomFacts:
    """The facts now, by reading alone. Raises ReachFailed."""
    session = server.session()
    try:
        may_name = may(session, "CLIENT", "SETNAME", "no name")
        may_list = may(session, "CLIENT", "LIST", "TYPE", "none") and may(session, "CLIENT", "KILL", "ID", "0")
        room = count_room(session, CALL_S)
        return RoomFacts(Room(room.most, room.used - 1), read_bound(session), may_name, may_list)
    finally:
        session.close()


def against(facts: RoomFacts, params: CacheConnectionsParams) -> tuple[Objection, ...]:
    """Everything that speaks against playing the fault now."""
    return tuple(_objections(facts, params))


def wanted(facts: RoomFacts, params: CacheConnectionsParams) -> int:
    """How many connections are to be taken, those that are evicted not counted."""
    return facts.room.free - params.leave


def _objections(facts: RoomFacts, params: CacheConnectionsParams) -> Iterator[Objection]:
    if not facts.may_name or not facts.may_list:
        missing = "+client|list +client|kill" if facts.may_name else "+client|setname"
        yield Objection("the user of the cache's url may not name, list and end its connections",
                        f"ACL SETUSER name {missing}")  # fmt: skip
    if facts.bound.known and facts.bound.within_s is None and params.allow_unbounded is not True:
        yield Objection(
            "timeout and tcp-keepalive are 0 on this server: it would keep the connections of a machine that vanishes",
            "CONFIG SET tcp-keepalive 60, or write allow_unbounded: true",
            refusal=True,
        )
    take = wanted(facts, params)
    if take <= 0 and not params.evict:
        yield Objection(f"only {facts.room.free} connections are free now: there is nothing to exhaust",
                        "write a smaller leave")  # fmt: skip
    elif take > MOST_HELD:
        yield Objection(f"{take} connections would have to be held, and one process holds {MOST_HELD} at most",
                        f"CONFIG SET maxclients {facts.room.used + MOST_HELD}")  # fmt: skip


class CacheConnections:
    """The fault of one run on one cache's server."""

    def __init__(self, plan: FaultPlan, server: CacheServer, run: str) -> None:
        assert isinstance(plan.params, CacheConnectionsParams)
        self.plan = plan
        self._params = plan.params
        self._server = server
        self._marker = marker(_MARK, run, plan.id)
        self._holder: ConnectionHolder | None = None
        self._undo: ConnectionsUndo | None = None
        self._fill_s = FILL_S

    def prepare(self) -> ConnectionsUndo:
        facts = look(self._server)
        heed(against(facts, self._params), self._server.source)
        self._fill_s = FILL_S + EACH_S * facts.room.most
        hold = Hold(self._marker, self._params.leave, facts.bound.renew_s, evict=self._params.evict)
        longest_s = self.plan.for_s + self._fill_s + OVERDUE_S
        self._holder = ConnectionHolder(self._server, hold, Deadline.after(longest_s))
        within_s = facts.bound.within_s
        over = steady_utc() + timedelta(seconds=longest_s + (within_s or 0.0) + _MARGIN_S)
        self._undo = ConnectionsUndo(
            fault_id=self.plan.id,
            cache=self._server.cache,
            url=in_pieces(self._server.reference),
            folder=str(self._server.folder),
            marker=self._marker,
            over_at=over.isoformat(timespec="seconds") if within_s is not None else "",
        )
        return self._undo

    def inject(self) -> None:
        assert self._holder is not None
        self._holder.start()
        self._holder.wait_settled(Deadline.after(self._fill_s))

    def prove_wire(self) -> Effect:
        leave = self._params.leave
        expected = f"the platform's way is refused a connection, with {leave} left at most"
        opened, refusal = self._knock(leave + 1)
        held = float(self._holder.held if self._holder else 0)
        values = {"connections_opened": float(opened), "connections_held": held}
        if not refusal:
            text = f"{opened} connections could be opened, {leave} at most were to be left"
            return Effect(expected, Measurement(text, values), effective=False)
        before = f"after {opened} more connections " if opened else ""
        return Effect(expected, Measurement(f"refused {before}({refusal})", values), effective=True)

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        # its own connections are among those that the server counts: their number says nothing
        effect = judge(before, during, delay_ms=_PATIENCE_MS)
        fewer = fewer_commands(before, during, self._server.source)
        if effect.effective or not fewer:
            return effect
        return Effect(effect.expected, Measurement(fewer, effect.measured.values), effective=True)

    def present(self) -> bool:
        return self._holder is not None and self._holder.held > 0

    def heal(self, deadline: Deadline) -> Healed:
        assert self._undo is not None
        if self._holder is not None:
            self._holder.close()
        return connection_healing.end_connections(self._undo, deadline, self._server.allow, self._server.url)

    def measure_healed(self, deadline: Deadline) -> Effect:
        expected = "the platform's way takes a connection again"
        while True:
            begun = boot_s()
            opened, refusal = self._knock(self._params.leave + 1)
            if not refusal:
                text = f"{opened} connections opened in {(boot_s() - begun) * 1000:.0f} ms"
                return Effect(expected, Measurement(text), effective=True)
            if deadline.passed:
                return Effect(expected, Measurement(f"still refused ({refusal})"), effective=False)

    def close(self) -> None:
        """Nothing is held open but the connections themselves, and healing lets go of them."""

    def _knock(self, wanted: int) -> tuple[int, str]:
        """Where the platform connects: how many of `wanted` connections could be had at once, and the server's refusal
        of the next ("" when there was none). Raises ReachFailed for any other failure."""
        with ExitStack() as stack:
            for opened in range(wanted):
                try:
                    session = self._server.platform_session(APPLICATION_NAME)
                except Rejected as error:
                    return opened, error.what
                stack.callback(session.close)
        return wanted, ""


_PATIENCE_MS = 100.0
"""What it costs a request at least when its connection is refused and it does the work without the cache."""


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, CacheConnectionsParams)
    evicted = ", and the open ones are ended once" if params.evict else ""
    return f"all connections that the cache takes but {params.leave} are taken{evicted}"
