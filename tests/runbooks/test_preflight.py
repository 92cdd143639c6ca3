"""Preflight against a world made by hand: what is fine, what is broken, what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pydantic import BaseModel
from rich.console import Console

from faults.cache_connections import CacheConnectionsParams, RoomFacts
from faults.cache_pause import CachePauseParams
from faults.cache_rights import PauseFacts
from faults.cache_room import Bound, Room
from faults.cache_server import PauseState
from faults.catalog import KINDS
from faults.database_table import TableFacts, TableRights
from faults.exhausting_role import RoleFacts, ServerFacts
from faults.fault import FaultPlan
from faults.lease.lease import KeeperFacts
from faults.pause_holder import Rhythm
from faults.server_slots import SlotCount, SlotFacts
from faults.session_facts import SessionFacts, SessionWants
from faults.slot_exhaustion import SlotExhaustionParams
from harness.analysis.service_level import RequestLevel
from harness.errors import BadInput, GamedayError, HostKeyRefused, NotAllowed, ReachFailed, ReachTimeout
from harness.guard.error_rate import ErrorRate
from harness.reach.claim import Claim
from harness.reach.toxiproxy_state import ProxyState, ToxicState
from runbooks.claim_places import Seen
from runbooks.environment import Environment
from runbooks.preflight import Check, Options, Preflight, preflight
from runbooks.preflight.doors import DatabaseFacts, HostFacts, LoadFacts, LogFacts, ToxiproxyFacts
from runbooks.preflight.rollback_check import first_word
from runbooks.preflight.world import count_files, logs_of
from runbooks.preflight_table import preflight_table
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


SERVER = ServerFacts(version_num=170002, started="1.5", direct=True)
SLOTS = SlotFacts(
    exhausting=RoleFacts("gameday_exhaust", connection_limit=100),
    server=SERVER,
    platform=RoleFacts("shop"),
    platform_server=SERVER,
    watcher_server=SERVER,
    count=SlotCount(max_connections=100, reserved=3, used=20, ours=0, platform=10),
)

SESSIONS = SessionFacts(
    slots=SLOTS,
    databases=("shop", "shop"),
    watcher_sees=True,
    table=TableFacts(
        oid=16400,
        name="public.orders",
        kind="r",
        system=False,
        blocks=100,
        exhausting=TableRights(read=True, rows=True, lock=True),
        platform=TableRights(read=True, rows=True, write=True),
    ),
    rows=3,
)


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


Look = Callable[..., Preflight]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Preflight with sound inputs; keywords change them."""

    def run(
        world: FakeWorld | None = None,
        runbook: Runbook = RUNBOOK,
        target: Target = TARGET,
        token: str | None = None,
        **more: object,
    ) -> Preflight:
        options = Options(runs=tmp_path / "runs", environment=Environment(slack_token=token), **more)  # type: ignore[arg-type]
        return preflight(runbook, target, options=options, world=world or FakeWorld())

    return run


def of(found: Preflight, area: str, *, fine: bool = False) -> list[Check]:
    return [check for check in found.checks if check.area == area and (fine or check.ok is not True)]


def test_when_all_is_well_all_is_well(look: Look) -> None:
    found = look()

    assert [c for c in found.checks if c.ok is not True] == []
    assert (found.ok, found.refused, found.exit_code) == (True, False, 0)
    assert {c.area for c in found.checks} == {
        "guard rail", "target", "claim", "toxiproxy", "proxy", "database", "cache", "host", "load", "run folder",
    }  # fmt: skip


def test_a_fault_too_short_to_be_proven_is_a_warning(look: Look) -> None:
    short, enough = (FaultPlan(f"f{s}", f"{s} s", "down", "postgres", NoParams(), 10 * s, s) for s in (2.5, 5.0))

    found = look(runbook=replace(RUNBOOK, faults=(short, enough)))

    [check] = of(found, "fault")
    assert (check.name, check.ok, found.exit_code) == ("2.5 s", None, 0)
    assert check.detail == "lasts 2.5 s, less than 5 s: its effect at the platform may not be provable"
    assert check.mend == "write for: 5s or more"


def test_production_is_refused_and_names_its_opt_out(look: Look) -> None:
    target = replace(TARGET, environment="production")

    found = look(target=target)
    [check] = of(found, "guard rail")
    assert (check.ok, check.refusal, check.mend, found.exit_code) == (False, True, "--allow-production", 14)

    allowed = look(target=target, allow_production=True)
    [check] = of(allowed, "guard rail")
    assert (check.ok, allowed.exit_code) == (None, 0)


@pytest.mark.parametrize(
    ("environment", "refused"),
    [("prod", True), ("Production", True), ("eu-prod", True), ("live", True), ("pre-production", False),
     ("non_prod", False), ("staging", False), ("productivity", False)],
)  # fmt: skip
def test_production_has_many_names(look: Look, environment: str, refused: bool) -> None:
    assert look(target=replace(TARGET, environment=environment)).refused is refused


@pytest.mark.parametrize(
    ("door", "area", "name"),
    [
        ("web http://127.0.0.1:8000/", "target", "base_url"),
        ("toxiproxy", "toxiproxy", "server"),
        ("connects 127.0.0.1:15432", "proxy", "postgres"),
        ("host app-1", "host", "app-1"),
        ("database main", "database", "main"),
        ("database main via", "database", "main via postgres"),
        ("cache main", "cache", "main"),
        ("locust", "load", "locustfile.py"),
    ],
)
def test_each_door_that_fails_is_one_failed_check_and_exit_code_2(look: Look, door: str, area: str, name: str) -> None:
    found = look(FakeWorld(broken={door: ReachTimeout("no answer within 5 s", where="somewhere")}))

    failed = [c for c in found.checks if c.ok is False]
    assert [(c.area, c.name, c.detail, c.refusal) for c in failed] == [
        (area, name, "somewhere: no answer within 5 s", False)
    ]
    assert failed[0].mend
    assert found.exit_code == 2


@pytest.mark.parametrize("error", [NotAllowed("outside", mend="add it"), HostKeyRefused("unknown key", mend="scan it")])
def test_an_address_outside_and_an_unknown_host_key_are_refused(look: Look, error: GamedayError) -> None:
    found = look(FakeWorld(broken={"host app-1": error}))

    [check] = of(found, "host")
    assert (check.refusal, check.mend, found.exit_code) == (True, error.mend, 14)


def test_a_refusal_outranks_what_is_broken(look: Look) -> None:
    world = FakeWorld(broken={"locust": BadInput("raises"), "host app-1": HostKeyRefused("unknown key")})

    assert look(world).exit_code == 14


def test_a_platform_that_answers_with_an_error_of_its_own_is_not_broken_further(look: Look) -> None:
    assert of(look(FakeWorld(status=503)), "target")[0].ok is False
    assert of(look(FakeWorld(status=404)), "target") == []


def test_a_managed_server_that_does_not_run_yet_will_be_started(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))
    world = FakeWorld(managed_runs=False, broken={"connects 127.0.0.1:15432": ReachFailed("refused")})

    found = look(world, target=target)

    [check] = of(found, "toxiproxy", fine=True)
    assert (check.ok, check.detail) == (True, "managed: will be started from /usr/bin/toxiproxy-server")
    assert of(found, "proxy") == []
    assert "database main via" not in world.asked


def test_a_port_that_the_managed_server_needs_and_somebody_has_is_broken(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))

    [check] = of(look(FakeWorld(managed_runs=False), target=target), "proxy")

    assert check.detail == "its port is taken: another program listens on 127.0.0.1:15432"
    assert check.ok is False


def test_a_program_that_must_be_had_first_is_told(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))
    world = FakeWorld(managed_runs=False, program=(False, "with Go from PATH"))

    [check] = of(look(world, target=target), "toxiproxy")

    assert check.ok is None
    assert "with Go from PATH" in check.detail


def test_a_server_too_old_to_be_driven_is_broken(look: Look) -> None:
    assert of(look(FakeWorld(version="2.5.0")), "toxiproxy")[0].ok is False
    assert of(look(FakeWorld(version="git")), "toxiproxy") == []


@pytest.mark.parametrize(
    ("state", "ok", "refusal", "said"),
    [
        (replace(POSTGRES, enabled=False), False, False, "is disabled"),
        (replace(POSTGRES, listen="127.0.0.1:9"), False, False, "listens on 127.0.0.1:9, and the target file says"),
        (replace(POSTGRES, upstream="127.0.0.1:9"), False, False, "leads to 127.0.0.1:9"),
        (replace(POSTGRES, toxics=(ToxicState("slow", "latency"),)), None, False, "somebody else's slow (latency)"),
        (replace(POSTGRES, toxics=(ToxicState("gd-x-f1", "latency"),)), False, True, "a game day left gd-x-f1 on it"),
        (replace(POSTGRES, name="other"), False, False, f"no such proxy at {API}"),
    ],
)
def test_a_proxy_that_is_not_as_it_should_be(
    look: Look, state: ProxyState, ok: bool | None, refusal: bool, said: str
) -> None:
    [check] = of(look(FakeWorld(proxies=(state,))), "proxy")

    assert (check.ok, check.refusal) == (ok, refusal)
    assert said in check.detail


ELSEWHERE = replace(TARGET, toxiproxy=Toxiproxy(managed=False, url="http://10.0.0.5:8474"))
KEPT = replace(TARGET, toxiproxy=Toxiproxy(managed=False, url="http://10.0.0.5:8474", host="app-1"))


def leases(found: Preflight) -> list[Check]:
    return [check for check in found.checks if check.area == "toxiproxy" and check.name == "lease"]


def test_a_toxiproxy_on_another_machine_needs_a_keeper_or_the_opt_out(look: Look) -> None:
    refused = look(FakeWorld(here=False), target=ELSEWHERE)
    [check] = leases(refused)
    assert (refused.exit_code, check.ok, check.refusal) == (14, False, True)
    assert "http://10.0.0.5:8474 is on another machine, and outlives us" in check.detail
    assert "add host: to toxiproxy:" in check.mend
    assert "(app-1)" in check.mend
    assert "--no-lease" in check.mend
    [check] = leases(look(FakeWorld(here=False), target=ELSEWHERE, no_lease=True))
    assert check.ok is None
    assert leases(look(FakeWorld(here=True), target=ELSEWHERE)) == []
    unfaulted = replace(RUNBOOK, faults=())
    assert leases(look(FakeWorld(here=False), runbook=unfaulted, target=ELSEWHERE)) == []


def test_a_keeper_is_looked_for_where_the_target_says(look: Look) -> None:
    [check] = leases(look(FakeWorld(here=False), target=KEPT))
    assert check.ok is True
    assert check.detail == (
        "a keeper on app-1 (python3 3.11.2) heals when it has not heard from us for 3 s; "
        "Toxiproxy's API there: 127.0.0.1:8474"
    )
    away = FakeWorld(here=False, keeper=KeeperFacts("3.11.2", "10.0.0.5:8474", here=False))
    assert [check.ok for check in leases(look(away, target=KEPT))] == [True, None]
    mend = "install python3 there, or play without a keeper: --no-lease"
    broken = FakeWorld(
        here=False, broken={"lease": ReachFailed("the command ended: sh: python3: not found", mend=mend)}
    )
    [check] = leases(look(broken, target=KEPT))
    assert (check.ok, check.mend) == (False, mend)
    [check] = leases(look(broken, target=KEPT, no_lease=True))
    assert check.ok is None


def test_sessions_that_go_past_a_faulted_proxy_are_a_warning(look: Look) -> None:
    past = "no connection of the platform runs through the proxy postgres: 12 of role app from 10.0.0.9 go past it"
    checks = of(look(FakeWorld(past=past)), "proxy")
    assert [(check.ok, check.detail) for check in checks] == [(None, past)]
    assert "restart it if its pool is older than the proxy" in checks[0].mend
    assert of(look(FakeWorld(past=past), runbook=replace(RUNBOOK, faults=())), "proxy") == []


def test_a_proxy_that_leads_to_another_server_is_broken(look: Look) -> None:
    class Astray(FakeWorld):
        def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts:
            return replace(self.facts, started="noon" if via else "dawn")

    [check] = [c for c in look(Astray()).checks if c.area == "database" and c.ok is False]
    assert check.detail == "the proxy leads to another server than dsn: it started at noon, not dawn"


def test_leftovers_of_ours_name_the_command_that_heals_them(look: Look) -> None:
    world = FakeWorld(proxies=(replace(POSTGRES, toxics=(ToxicState("gd-x-f1", "latency"),)),))

    found = look(world)

    assert "gameday heal" in of(found, "proxy")[0].mend
    assert found.exit_code == 14


def test_localhost_and_all_interfaces_are_recognised_in_what_the_server_says(look: Look) -> None:
    target = replace(TARGET, proxies={"postgres": Proxy("postgres", "localhost:15432", "localhost:5432")})

    assert of(look(target=target), "proxy") == []


def test_the_upstream_of_somebody_s_own_server_may_be_out_of_our_reach(look: Look) -> None:
    world = FakeWorld(broken={"connects 127.0.0.1:5432": ReachFailed("refused")})

    assert of(look(world), "proxy")[0].ok is None


def test_the_upstream_of_a_managed_server_may_not(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))
    world = FakeWorld(broken={"connects 127.0.0.1:5432": ReachFailed("refused")})

    assert of(look(world, target=target), "proxy")[0].ok is False


def test_logs_that_can_t_be_read_are_broken_and_missing_ones_are_told(look: Look) -> None:
    world = FakeWorld(logs=(LogFacts("/var/log/a", 0, 0), LogFacts("/var/log/b*", 3, 1), LogFacts("/var/log/c", 1, 1)))

    found = look(world)

    missing, unreadable = of(found, "host")
    assert (missing.ok, unreadable.ok) == (None, False)
    assert unreadable.detail == "/var/log/b*: 2 of 3 files can't be read"
    assert "deploy" in unreadable.mend
    assert "1 of 3 logs readable" in of(found, "host", fine=True)[0].detail


def test_a_watched_process_that_is_not_there_is_told_and_no_reason_to_refuse(look: Look) -> None:
    target = replace(TARGET, hosts={"app-1": Host("app-1", "deploy@127.0.0.1:2222", processes={"web": "gunicorn"})})
    [gone] = of(look(FakeWorld(processes={"web": 0}), target=target), "host")
    assert (gone.ok, gone.detail) == (None, "no process has 'gunicorn' in its command line")
    [blind] = of(look(FakeWorld(processes=None), target=target), "host")
    assert (blind.ok, blind.detail) == (None, "its processes can't be looked at")


def test_what_is_odd_about_a_database_is_told(look: Look) -> None:
    superuser = look(FakeWorld(facts=DatabaseFacts("17.2", "postgres", True, True, 100, 2)))
    blind = look(FakeWorld(facts=DatabaseFacts("17.2", "app", False, False, 100, 90)))

    assert [(c.ok, c.detail) for c in of(superuser, "database")] == [
        (None, "the role postgres is a superuser"),
        (None, "only 2 of 100 connections are free"),
    ]
    assert of(blind, "database")[0].mend == "grant pg_monitor to app"


def test_an_unknown_tag_is_broken_with_what_was_meant(look: Look) -> None:
    runbook = replace(RUNBOOK, load=replace(RUNBOOK.load, tags=("investmnt",), exclude_tags=("nobody",)))

    wrong, excluded = of(look(runbook=runbook), "load")

    assert (wrong.ok, wrong.mend) == (False, "did you mean 'investment'?")
    assert (excluded.ok, excluded.mend) == (None, "its tags are: investment, page")


def test_a_load_shape_and_a_number_of_users_contradict(look: Look) -> None:
    [check] = of(look(FakeWorld(load=LoadFacts(("U",), ("investment",), has_shape=True))), "load")

    assert check.ok is None
    assert "load shape" in check.detail


def test_slack_never_stands_in_the_way(look: Look) -> None:
    runbook = replace(RUNBOOK, slack_channel="#game-day")

    shown = look(runbook=runbook)
    sent = look(runbook=runbook, token="xoxb-1")
    down = look(FakeWorld(broken={"slack": ReachFailed("invalid_auth")}), runbook=runbook, token="xoxb-1")

    assert [of(found, "slack", fine=True)[0].ok for found in (shown, sent, down)] == [None, True, None]
    assert "shown, not sent" in of(shown, "slack")[0].detail
    assert down.exit_code == 0


def test_without_a_channel_slack_is_not_asked(look: Look) -> None:
    world = FakeWorld()

    look(world, token="xoxb-1")

    assert "slack" not in world.asked


def test_a_run_folder_that_can_t_be_is_broken_and_nothing_is_written_to_find_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    blocked = preflight(RUNBOOK, TARGET, options=Options(runs=tmp_path / "file" / "runs"), world=FakeWorld())
    fine = preflight(RUNBOOK, TARGET, options=Options(runs=tmp_path / "new" / "runs"), world=FakeWorld())

    assert of(blocked, "run folder")[0].ok is False
    assert of(fine, "run folder", fine=True)[0].ok is not False
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_wide_allow_list_and_oddities_of_the_file_are_told(look: Look) -> None:
    target = replace(TARGET, allow=("0.0.0.0/0",), warnings=("odd",))

    found = look(target=target)

    assert [c.detail for c in of(found, "target")] == ["0.0.0.0/0 allows very much", "odd"]
    assert found.ok


def test_a_target_without_proxies_needs_no_toxiproxy(look: Look) -> None:
    target = replace(TARGET, toxiproxy=None, proxies={}, databases={}, caches={}, hosts={})
    world = FakeWorld()

    assert look(world, target=target).ok
    assert "toxiproxy" not in world.asked


def test_a_door_that_overstays_its_deadline_is_a_failed_check_and_not_a_wait(tmp_path: Path) -> None:
    world = FakeWorld(hangs=threading.Event())
    try:
        found = preflight(RUNBOOK, TARGET, options=Options(runs=tmp_path), world=world, deadline_s=0.3)
    finally:
        assert world.hangs is not None
        world.hangs.set()

    [check] = of(found, "load")
    assert (check.ok, check.detail) == (False, "the check did not end in time")


def test_a_defect_inside_the_locust_file_is_told_with_its_place(look: Look) -> None:
    error = BadInput("the Locust file does not load: KeyError: 'X'", where="/books/locustfile.py:3")

    [check] = of(look(FakeWorld(broken={"locust": error})), "load")

    assert check.detail == "/books/locustfile.py:3: the Locust file does not load: KeyError: 'X'"


def test_the_table_has_every_check_and_mend_within_80_columns(look: Look) -> None:
    runbook = replace(RUNBOOK, slack_channel="#game-day")
    found = look(FakeWorld(status=503, proxies=(replace(POSTGRES, enabled=False),)), runbook=runbook)
    console = Console(width=80, force_terminal=False, color_system=None)

    with console.capture() as capture:
        console.print(preflight_table(found))
    text = capture.get()

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    assert all(word in text for word in ("FAIL", "warn", "ok", "-> mend the platform", "is disabled"))
    assert text.splitlines()[-1].startswith("not ready: ")


def test_files_are_counted_by_the_host_s_own_shell(tmp_path: Path) -> None:
    import subprocess  # noqa: PLC0415 - for this test alone

    for name in ("a b.log", "c.log", "$(touch evil).log"):
        (tmp_path / name).write_text("")
    paths = (f"{tmp_path}/*.log", f"{tmp_path}/a b.log", f"{tmp_path}/none", f"{tmp_path}/$(touch evil).log")

    answer = subprocess.run(
        ["sh", "-c", "; ".join(map(count_files, paths))], capture_output=True, check=True, cwd=tmp_path
    ).stdout

    assert [(log.files, log.readable) for log in logs_of(paths, answer)] == [(3, 3), (1, 1), (0, 0), (1, 1)]
    assert not (tmp_path / "evil").exists()


def test_a_host_whose_shell_says_something_else_is_told() -> None:
    with pytest.raises(ReachFailed, match="did not answer as sh does"):
        logs_of(("/var/log/x",), b"This account is not available.\n")


def exhaustion(**keys: object) -> FaultPlan:
    params = SlotExhaustionParams.model_validate(keys)
    return FaultPlan("f1", "no slots", "slot-exhaustion", "main", params, 0.0, 20.0, "database")


def test_slots_that_can_be_taken_are_told_with_who_takes_how_many(look: Look) -> None:
    found = look(runbook=replace(RUNBOOK, faults=(exhaustion(leave=3),)))

    [check] = of(found, "fault", fine=True)
    assert check.ok is True
    assert check.detail == (
        "as gameday_exhaust takes 74 of 100 slots, leaves 3 and the 3 reserved ones; shop must be refused"
    )


@pytest.mark.parametrize(
    ("role", "keys", "said", "opt_out", "exit_code"),
    [
        (RoleFacts("admin", superuser=True), {}, "is a superuser", "allow_superuser: true", 14),
        (RoleFacts("free"), {}, "has no connection limit", "allow_unlimited: true", 14),
        (RoleFacts("small", connection_limit=40), {}, "may hold 39 sessions", "connection limit 100", 2),
        (RoleFacts("meek", connection_limit=100), {"evict": True}, "may not end", "grant pg_signal_backend", 2),
        (RoleFacts("late", connection_limit=100), {"leave": 90}, "only 77 slots are free", "a smaller leave", 2),
    ],
)  # fmt: skip
def test_slots_that_must_not_or_can_not_be_taken_are_told_with_the_mend(
    look: Look, role: RoleFacts, keys: dict[str, object], said: str, opt_out: str, exit_code: int
) -> None:
    world = FakeWorld(slot_facts=replace(SLOTS, exhausting=role))

    found = look(world, runbook=replace(RUNBOOK, faults=(exhaustion(**keys),)))

    [check] = of(found, "fault")
    assert said in check.detail
    assert opt_out in check.mend
    assert found.exit_code == exit_code


def session_fault(kind: str, **keys: object) -> FaultPlan:
    return FaultPlan("f1", "held", kind, "main", KINDS[kind].params.model_validate(keys), 0.0, 20.0, "database")


@pytest.mark.parametrize(
    ("kind", "keys", "said"),
    [
        ("lock-contention", {"table": "orders", "rows": "3"}, "3 rows of orders are locked: who changes them waits"),
        ("idle-in-transaction", {}, "5 sessions stand idle in transaction"),
        ("slow-queries", {}, "8 sessions keep the database server busy with hashing numbers"),
    ],
)
def test_sessions_that_can_be_had_are_told_with_what_they_do_and_who_feels_it(
    look: Look, kind: str, keys: dict[str, object], said: str
) -> None:
    found = look(runbook=replace(RUNBOOK, faults=(session_fault(kind, **keys),)))

    [check] = of(found, "fault", fine=True)
    assert check.ok is True
    assert said in check.detail
    assert check.detail.endswith("as gameday_exhaust; shop must feel it")


def test_sessions_that_must_not_be_are_refused_with_the_opt_out_and_others_broken(look: Look) -> None:
    runbook = replace(RUNBOOK, faults=(session_fault("slow-queries", sessions=60),))
    for role, said, mend, exit_code in (
        (RoleFacts("admin", superuser=True), "is a superuser", "allow_superuser: true", 14),
        (RoleFacts("small", connection_limit=40), "may hold 39 sessions", "connection limit 70", 2),
    ):
        world = FakeWorld(session_facts=replace(SESSIONS, slots=replace(SLOTS, exhausting=role)))
        found = look(world, runbook=runbook)
        [check] = of(found, "fault")
        assert said in check.detail
        assert mend in check.mend
        assert found.exit_code == exit_code
    away = FakeWorld(broken={"sessions main": ReachFailed("no route", where="db:5432")})
    [check] = of(look(away, runbook=runbook), "fault")
    assert (check.detail, check.mend) == ("db:5432: no route", "check exhaust_dsn and platform_dsn in the target file")


def test_each_rollback_step_is_told_with_where_its_program_is_and_when_it_runs(look: Look) -> None:
    steps = (
        RollbackStep("app-1", "systemctl restart shop"),
        RollbackStep("", "kubectl rollout undo deploy/shop", "not-held", name="undo the release"),
    )

    found = look(runbook=replace(RUNBOOK, rollback=steps))

    assert [(c.name, c.ok, c.detail) for c in of(found, "rollback", fine=True)] == [
        ("step 1, app-1", True, "/usr/bin/systemctl; runs when asked"),
        ("step 2, undo the release", True, "/usr/bin/kubectl; runs by itself when not-held"),
    ]


def test_a_rollback_step_that_could_not_run_is_broken_and_odd_ones_are_warnings(look: Look) -> None:
    steps = (
        RollbackStep("app-1", "sytemctl restart shop"),
        RollbackStep("app-1", "sudo systemctl restart shop"),
        RollbackStep("app-1", "systemctl set-environment password=hunter2222"),
        RollbackStep("app-1", "(cd /srv && systemctl restart shop)"),
    )
    world = FakeWorld(broken={"finds systemctl at app-1": ReachFailed("no route", where="app-1")})

    found = of(look(FakeWorld(), runbook=replace(RUNBOOK, rollback=steps)), "rollback")
    assert [(c.name[:6], c.ok, c.detail.partition(":")[0]) for c in found] == [
        ("step 1", False, "sytemctl is not there, or can't be executed"),
        ("step 2", None, "sudo may ask for a password, and nobody is there to type it"),
        ("step 3", None, "a secret seems to stand in the command"),
        ("step 4", None, "app-1 is there, but what the command begins with can't be told; runs when asked"),
    ]
    away = of(look(world, runbook=replace(RUNBOOK, rollback=steps[1:2])), "rollback")
    assert [c.detail for c in away if c.ok is False] == ["app-1: no route"]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("systemctl restart shop", "systemctl"),
        ("A=1 B='2 3' ./restart", "./restart"),
        ("sudo -n -u deploy /opt/app/bin/undo now", "/opt/app/bin/undo"),
        ("cd /srv && make", "cd"),
        ("$UNDO now", ""),
        ("echo 'unclosed", ""),
        ("# nothing", ""),
    ],
)
def test_the_program_that_a_command_begins_with(command: str, word: str) -> None:
    assert first_word(command) == word


def on_cache(kind: str, params: BaseModel) -> FaultPlan:
    return FaultPlan("f1", "no cache", kind, "main", params, 0.0, 20.0, "cache")


def test_a_fault_on_a_cache_that_can_be_played_is_told_with_its_reach(look: Look) -> None:
    pause, filled = on_cache("cache-pause", CachePauseParams()), on_cache("cache-connections", CacheConnectionsParams())
    found = look(FakeWorld(), replace(RUNBOOK, faults=(pause, replace(filled, id="f2", name="full"))))

    assert found.ok
    text = {c.name: c.detail for c in found.checks if c.area == "fault" and c.ok}
    assert text["no cache"] == "may hold every command of the server with CLIENT PAUSE, 1 s at a time"
    assert "takes 9979 of 10000 connections, leaves 1" in text["full"]
    assert "the server ends them itself within 600 s" in text["full"]


@pytest.mark.parametrize(
    ("world", "params", "what", "mend", "code"),
    [
        (
            {"pausing": PauseFacts((7, 2), ("+monitor",), PauseState(known=True))},
            CachePauseParams(),
            "no right to +monitor",
            "ACL SETUSER name +monitor, or write commands: write",
            2,
        ),
        (
            {"pausing": PauseFacts((6, 0), (), PauseState(known=False))},
            CachePauseParams(),
            "Redis 6.0 has no",
            "6.2",
            2,
        ),
        (
            {"pausing": PauseFacts((7, 2), (), PauseState(True, True, 900))},
            CachePauseParams(),
            "somebody has paused",
            "CLIENT UNPAUSE",
            2,
        ),
        ({"room": room_of(100, 99)}, CacheConnectionsParams(), "nothing to exhaust", "a smaller leave", 2),
        (
            {"room": replace(room_of(100, 9), may_list=False)},
            CacheConnectionsParams(),
            "may not name, list",
            "+client|list +client|kill",
            2,
        ),
        (
            {"room": replace(room_of(100, 9), bound=Bound(0, 0))},
            CacheConnectionsParams(),
            "keep the connections of",
            "allow_unbounded: true",
            14,
        ),
    ],
)
def test_a_fault_on_a_cache_that_can_not_be_played_is_told_with_the_mend(
    look: Look, world: dict[str, object], params: BaseModel, what: str, mend: str, code: int
) -> None:
    kind = "cache-pause" if isinstance(params, CachePauseParams) else "cache-connections"
    found = look(FakeWorld(**world), replace(RUNBOOK, faults=(on_cache(kind, params),)))  # type: ignore[arg-type]

    [check] = [c for c in found.checks if c.area == "fault" and c.ok is False]
    assert what in check.detail
    assert mend in check.mend
    assert found.exit_code == code


def test_a_target_that_another_run_holds_is_refused_with_its_name(look: Look) -> None:
    claim = Claim("20250101-000000-drill-ab12", "ada@laptop", "2025-01-01T00:00:00Z")
    found = look(FakeWorld(claimed=Seen(claim, alive=True)))

    held = [c for c in found.checks if c.area == "claim"]
    assert [c.name for c in held] == ["database main", "cache main", "toxiproxy"]
    assert held[0].detail == "held by run 20250101-000000-drill-ab12 of ada@laptop, since 2025-01-01T00:00:00Z"
    assert found.exit_code == 14


def test_a_dead_runs_claim_and_a_target_without_a_place_for_one_are_warnings(look: Look) -> None:
    dead = look(FakeWorld(claimed=Seen(Claim("r1", "ada@laptop"), alive=False)))
    nowhere = look(FakeWorld(), target=replace(TARGET, databases={}, caches={}, toxiproxy=None, proxies={}))

    assert {c.ok for c in dead.checks if c.area == "claim"} == {None}
    [check] = [c for c in nowhere.checks if c.area == "claim"]
    assert (check.ok, "another machine" in check.detail) == (None, True)
