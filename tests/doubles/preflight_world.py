"""A runbook, a target, and a world made by hand that preflight looks at: all sound, unless a test says otherwise."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from database_facts import SESSIONS, SLOTS
from pydantic import BaseModel

from faults.cache_connections import RoomFacts
from faults.cache_rights import PauseFacts
from faults.cache_room import Bound, Room
from faults.cache_server import PauseState
from faults.fault import FaultPlan
from faults.lease.lease import KeeperFacts
from faults.pause_holder import Rhythm
from faults.server_slots import SlotFacts
from faults.session_facts import SessionFacts, SessionWants
from harness.analysis.service_level import RequestLevel
from harness.errors import GamedayError
from harness.guard.error_rate import ErrorRate
from harness.reach.toxiproxy_state import ProxyState
from runbooks.claim_places import Seen
from runbooks.preflight import Check, Preflight
from runbooks.preflight.doors import DatabaseFacts, HostFacts, LoadFacts, LogFacts, ToxiproxyFacts
from runbooks.runbook import LoadPlan, Phases, RollbackStep, Runbook
from runbooks.target import Cache, Database, Host, Proxy, Secret, Target, Toxiproxy

API = "http://127.0.0.1:8474"


class NoParams(BaseModel):
    """No parameters."""


RUNBOOK = Runbook(
    path=Path("drill.yaml"),
    text="",
    title="t",
    hypothesis="h",
    expect="held",
    load=LoadPlan(Path("/books/locustfile.py"), tags=("investment",), users=100),
    phases=Phases(10.0, 15.0, 20.0),
    recover_within_s=20.0,
    service_levels=(RequestLevel("api", "* *", p95_ms=200.0),),
    faults=(FaultPlan("f1", "slow", "down", "postgres", NoParams(), 0.0, 20.0),),
    stop_when=(ErrorRate(0.01),),
    collect=("app-1",),
    rollback=(),
    slack_channel="",
)
TARGET = Target(
    path=Path("target.yaml"),
    text="",
    name="target",
    environment="practice",
    base_url="http://127.0.0.1:8000",
    allow=("127.0.0.0/8",),
    toxiproxy=Toxiproxy(managed=False, url=API),
    proxies={"postgres": Proxy("postgres", "127.0.0.1:15432", "127.0.0.1:5432")},
    databases={"main": Database("main", Secret("${DATABASE_URL}", "postgresql://127.0.0.1"), "postgres")},
    caches={"main": Cache("main", Secret("${REDIS_URL}", "redis://127.0.0.1"))},
    hosts={"app-1": Host("app-1", "deploy@127.0.0.1:2222", ("/var/log/app.log",))},
)
POSTGRES = ProxyState("postgres", "127.0.0.1:15432", "127.0.0.1:5432", enabled=True)


def room_of(most: int, used: int) -> RoomFacts:
    """A cache's server with so many connections, whose user may do all."""
    return RoomFacts(Room(most, used), Bound(0, 300), may_name=True, may_list=True)


@dataclass
class FakeWorld:
    """Everything answers, unless a test says otherwise: `broken` maps a door to what it raises."""

    broken: dict[str, GamedayError] = field(default_factory=dict)
    proxies: tuple[ProxyState, ...] = (POSTGRES,)
    version: str = "2.12.0"
    managed_runs: bool = True
    program: tuple[bool, str] = (True, "/usr/bin/toxiproxy-server")
    status: int = 200
    logs: tuple[LogFacts, ...] = (LogFacts("/var/log/app.log", 1, 1),)
    facts: DatabaseFacts = field(default_factory=lambda: DatabaseFacts("17.2", "watcher", False, True, 100, 90))
    load: LoadFacts = field(default_factory=lambda: LoadFacts(("Investor",), ("investment", "page")))
    slot_facts: SlotFacts = field(default_factory=lambda: SLOTS)
    session_facts: SessionFacts = field(default_factory=lambda: SESSIONS)
    claimed: Seen | None = None
    pausing: PauseFacts = field(default_factory=lambda: PauseFacts((7, 2), (), PauseState(known=True)))
    room: RoomFacts = field(default_factory=lambda: room_of(10_000, 20))
    programs: tuple[str, ...] = ("systemctl", "kubectl")
    processes: dict[str, int] | None = field(default_factory=dict)
    here: bool = True
    past: str = ""
    keeper: KeeperFacts = field(default_factory=lambda: KeeperFacts("3.11.2", "127.0.0.1:8474", here=True))
    hangs: threading.Event | None = None
    asked: list[str] = field(default_factory=list)

    def web(self, url: str) -> int:
        self._door(f"web {url}")
        return self.status

    def answer_bytes(self, proxy: Proxy, via: tuple[str, int] | None) -> int:
        self._door(f"answer of {proxy.name}{' via' if via else ''}")
        return 200

    def connects(self, host: str, port: int) -> None:
        self._door(f"connects {host}:{port}")

    def toxiproxy(self, server: Toxiproxy) -> ToxiproxyFacts | None:
        self._door("toxiproxy")
        return ToxiproxyFacts(API, self.version, self.proxies) if self.managed_runs else None

    def way_past(self, proxy: Proxy, facts: ToxiproxyFacts) -> str:
        self._door(f"way past {proxy.name}")
        return self.past

    def on_this_machine(self, server: Toxiproxy) -> bool:
        return self.here

    def lease_keeper(self, server: Toxiproxy, facts: ToxiproxyFacts) -> KeeperFacts:
        self._door("lease")
        return self.keeper

    def toxiproxy_program(self) -> tuple[bool, str]:
        return self.program

    def host(self, host: Host) -> HostFacts:
        self._door(f"host {host.name}")
        return HostFacts(self.logs, processes=self.processes)

    def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts:
        self._door(f"database {database.name}{' via' if via else ''}")
        return self.facts

    def cache(self, cache: Cache, via: tuple[str, int] | None) -> str:
        self._door(f"cache {cache.name}{' via' if via else ''}")
        return "9.0"

    def claim(self, place: str) -> Seen | None:
        self._door(f"claim {place}")
        return self.claimed

    def cache_pause(self, cache: Cache, rhythm: Rhythm) -> PauseFacts:
        self._door(f"pause {cache.name}")
        return self.pausing

    def cache_room(self, cache: Cache) -> RoomFacts:
        self._door(f"room {cache.name}")
        return self.room

    def slots(self, database: Database) -> SlotFacts:
        self._door(f"slots {database.name}")
        return self.slot_facts

    def sessions(self, database: Database, wants: SessionWants) -> SessionFacts:
        self._door(f"sessions {database.name}")
        return self.session_facts

    def finds(self, step: RollbackStep, word: str) -> str:
        self._door(f"finds {word} at {step.where}")
        return f"/usr/bin/{word}" if word in self.programs else ""

    def slack(self, token: str, url: str | None) -> str:
        self._door("slack")
        return "gameday in crowdfund"

    def locust(self, load: LoadPlan) -> LoadFacts:
        self._door("locust")
        if self.hangs is not None:
            self.hangs.wait(5)
        return self.load

    def _door(self, name: str) -> None:
        self.asked.append(name)
        if name in self.broken:
            raise self.broken[name]


def of(found: Preflight, area: str, *, fine: bool = False) -> list[Check]:
    """The checks of an area that are not fine; with `fine`, all of them."""
    return [check for check in found.checks if check.area == area and (fine or check.ok is not True)]
