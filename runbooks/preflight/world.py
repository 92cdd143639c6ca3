"""The real world of preflight: the doors of harness, with the target's allow list and short deadlines."""

from __future__ import annotations

import re
import shlex
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from faults import cache_connections, cache_rights
from faults.cache_connections import RoomFacts
from faults.cache_rights import PauseFacts
from faults.fault import FaultPlan
from faults.hosts.host_fault import Look as HostLook
from faults.lease.lease import START_S, KeeperFacts
from faults.pause_holder import Rhythm
from faults.server_slots import SlotFacts, look
from faults.session_facts import SessionFacts, SessionWants, look_for
from faults.toxiproxy_binary import VERSION, Search
from faults.toxiproxy_process import answers, read_state
from harness.analysis.invariant import Answer
from harness.analysis.reading_level import source_glob
from harness.analysis.service_level import Invariant
from harness.clock import Clock, Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.load import locust_file
from harness.monitor import alertmanager, process_census
from harness.notify.slack import auth_test
from harness.reach import activity as activity_door
from harness.reach import http, postgres, redis
from harness.reach.activity import Activity, Performed
from harness.reach.allow_list import AllowList, split_address
from harness.reach.container_roster import ContainerChoice
from harness.reach.own_address import is_own
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import ToxiproxyApi
from runbooks import lease_keeping
from runbooks.alerting import server_of
from runbooks.cache_place import cache_server
from runbooks.claim_places import Seen, claim_places
from runbooks.doors import Doors, server_slots
from runbooks.host_places import look_on_host
from runbooks.invariants import Invariants
from runbooks.preflight.containers_look import look_at_containers, look_at_hits
from runbooks.preflight.doors import (
    ContainerHits,
    ContainersFacts,
    DatabaseFacts,
    HostFacts,
    LoadFacts,
    LogFacts,
    ToxiproxyFacts,
)
from runbooks.preflight.rollback_look import find_program
from runbooks.runbook import LoadPlan, RollbackStep
from runbooks.target import Alerting, Cache, Database, Host, Proxy, Target, Toxiproxy
from runbooks.traffic import way_of

DOOR_S = 5.0
LOCUST_S = 20.0
_APPLICATION = "gameday-preflight"
_GLOB = re.compile(r"([*?\[\]])")

_DATABASE_FACTS = """
select current_setting('server_version'), current_user::text,
       (select rolsuper from pg_roles where rolname = current_user),
       pg_has_role(current_user, 'pg_read_all_stats', 'member')
         or (select rolsuper from pg_roles where rolname = current_user),
       current_setting('max_connections')::int,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - (select count(*)::int from pg_stat_activity where backend_type = 'client backend'),
       pg_postmaster_start_time()::text
"""


class TargetWorld:
    """The doors to one target. Reads only."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._allow = AllowList(target.allow)

    def web(self, url: str) -> int:
        return http.probe(url, allow=self._allow, timeout_s=DOOR_S).status

    def answer_bytes(self, proxy: Proxy, via: tuple[str, int] | None) -> int:
        url = f"http://{proxy.listen}{proxy.probe_path}"
        way = via or split_address(proxy.upstream)
        return http.probe(url, allow=self._allow, timeout_s=DOOR_S, via=way).received_bytes

    def connects(self, host: str, port: int) -> None:
        where = f"{host}:{port}"
        try:
            with socket.create_connection((self._allow.resolve(host, port), port), timeout=DOOR_S):
                return
        except TimeoutError as error:
            raise ReachTimeout(f"no connection within {DOOR_S:g} s", where=where) from error
        except OSError as error:
            raise ReachFailed(error.strerror or str(error), where=where) from error

    def toxiproxy(self, server: Toxiproxy) -> ToxiproxyFacts | None:
        url = server.url
        if server.managed:
            state = read_state(server.folder) if server.folder is not None else None
            if state is None or not answers(state):
                return None
            url = state.api_url
        api = ToxiproxyApi(url, self._allow, DOOR_S)
        return ToxiproxyFacts(url, api.version(), api.proxies())

    def way_past(self, proxy: Proxy, facts: ToxiproxyFacts) -> str:
        address = ToxiproxyApi(facts.api_url, self._allow, DOOR_S).address
        return way_of(self._target, proxy, facts.api_url, address, self._allow)

    def on_this_machine(self, server: Toxiproxy) -> bool:
        return is_own(ToxiproxyApi(server.url, self._allow, DOOR_S).address)

    def lease_keeper(self, server: Toxiproxy, facts: ToxiproxyFacts) -> KeeperFacts:  # noqa: ARG002 - it is the target's
        return lease_keeping.look(self._target, facts.proxies, Deadline.after(START_S))

    def toxiproxy_program(self) -> tuple[bool, str]:
        search = Search(say=lambda _: None)
        on_path = search.which("toxiproxy-server")
        if on_path or search.cached.exists():
            return True, on_path or str(search.cached)
        way = "with Go from PATH" if search.which("go") else "with Go from its wheel (75 MB), or from the Docker image"
        return False, f"{way}: toxiproxy-server {VERSION}, once, about a minute"

    def host(self, host: Host) -> HostFacts:
        door = SshDoor(host.name, host.ssh, allow=self._allow, identity=host.identity, known_hosts=host.known_hosts)
        try:
            deadline = Deadline.after(DOOR_S)
            door.open(deadline)
            processes = process_census.count(door.run, host.processes, deadline) if host.processes else {}
            if not host.logs:
                return HostFacts(warnings=door.warnings, processes=processes)
            answer = door.run("; ".join(map(count_files, host.logs)), deadline)
        finally:
            door.close()
        return HostFacts(logs_of(host.logs, answer.stdout), door.warnings, processes)

    def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts:
        connection: psycopg.Connection[TupleRow] = postgres.connect(
            database.dsn.value, allow=self._allow, via=via, timeout_s=DOOR_S, application_name=_APPLICATION
        )
        try:
            [row] = postgres.query(connection, _DATABASE_FACTS, timeout_s=DOOR_S)
        finally:
            connection.close()
        version, role, superuser, sees, most, free, started = row
        return DatabaseFacts(
            str(version).partition(" ")[0], role, bool(superuser), bool(sees), most, max(0, free), started
        )

    def finds(self, step: RollbackStep, word: str) -> str:
        return find_program(step, word, self._target, self._allow, DOOR_S)

    def slots(self, database: Database) -> SlotFacts:
        return look(server_slots(self._target, database, self._allow))

    def sessions(self, database: Database, wants: SessionWants) -> SessionFacts:
        return look_for(server_slots(self._target, database, self._allow), wants)

    def could_perform(self, activity: Activity) -> None:
        activity_door.check(activity, timeout_s=DOOR_S)

    def perform(self, activity: Activity) -> Performed:
        return activity_door.perform(activity, timeout_s=DOOR_S)

    def cache(self, cache: Cache, via: tuple[str, int] | None) -> str:
        client = redis.connect(cache.url.value, allow=self._allow, via=via, timeout_s=DOOR_S)
        try:
            answer = redis.info(client)
        finally:
            redis.close(client)
        return str(answer.get("valkey_version") or answer.get("redis_version", ""))

    def host_fault(self, fault: FaultPlan) -> HostLook:
        return look_on_host(fault, self._target.hosts[fault.place], self._allow, DOOR_S)

    def claim(self, place: str) -> Seen | None:
        [asked] = (p for p in claim_places(self._target) if p.name == place)
        pause = threading.Event()
        return asked.seen(lambda seconds: not pause.wait(seconds))

    def cache_pause(self, cache: Cache, rhythm: Rhythm) -> PauseFacts:
        return cache_rights.look(cache_server(self._target, cache, self._allow), rhythm)

    def cache_room(self, cache: Cache) -> RoomFacts:
        return cache_connections.look(cache_server(self._target, cache, self._allow))

    def containers(self, choice: ContainerChoice) -> ContainersFacts:
        return look_at_containers(choice, self._allow, DOOR_S)

    def hits(self, fault: FaultPlan) -> ContainerHits:
        return look_at_hits(self._target, fault, self._allow)

    def invariant(self, level: Invariant) -> Answer:
        return Invariants((), self._target, self._allow, {}).ask_one(level)

    def crash_watchers(self, of: str) -> tuple[str, ...]:
        with Doors(self._target, Clock.start()) as doors:
            return tuple(filter(source_glob(of), doors.find_crash_watchers()))

    def alerts(self, alerting: Alerting) -> tuple[tuple[str, Mapping[str, str]], ...]:
        firing = alertmanager.ask(server_of(alerting), allow=self._allow, timeout_s=DOOR_S)
        return tuple((alert.name, alert.labels) for alert in firing)

    def listens(self, host: str, port: int) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            raise ReachFailed(error.strerror or str(error), where=f"{host}:{port}") from error

    def slack(self, token: str, url: str | None) -> str:
        return auth_test(token, url, DOOR_S)

    def locust(self, load: LoadPlan) -> LoadFacts:
        deadline = Deadline.after(LOCUST_S)
        facts = locust_file.inspect(load.locustfile, load.args, Path.cwd(), deadline, self._target.allow)
        return LoadFacts(facts.users, facts.tags, facts.has_shape)


def count_files(path: str) -> str:
    """A line of sh that says how many files a path or glob means, and how many of them can be read."""
    quoted = "".join(part if _GLOB.fullmatch(part) else shlex.quote(part) for part in _GLOB.split(path) if part)
    loop = 'if [ -f "$f" ]; then n=$((n+1)); if [ -r "$f" ]; then r=$((r+1)); fi; fi'
    return f'n=0; r=0; for f in {quoted}; do {loop}; done; echo "$n $r"'


def logs_of(paths: tuple[str, ...], answer: bytes) -> tuple[LogFacts, ...]:
    """What `count_files` answered for each path. Raises ReachFailed when the host said something else."""
    pairs = [line.split() for line in answer.decode(errors="replace").splitlines()]
    if len(pairs) != len(paths) or not all(len(p) == 2 and "".join(p).isdigit() for p in pairs):
        raise ReachFailed("the host's shell did not answer as sh does", mend="does the account have a shell?")
    return tuple(LogFacts(path, int(n), int(r)) for path, (n, r) in zip(paths, pairs, strict=True))
