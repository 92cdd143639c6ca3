"""The real world of preflight: the doors of harness, with the target's allow list and short deadlines."""

from __future__ import annotations

import re
import shlex
import socket
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from faults.toxiproxy_binary import VERSION, Search
from faults.toxiproxy_process import answers, read_state
from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.load import locust_file
from harness.notify.slack import auth_test
from harness.reach import http, postgres, redis
from harness.reach.allow_list import AllowList
from harness.reach.ssh import SshDoor
from harness.reach.toxiproxy import ToxiproxyApi
from runbooks.preflight.doors import DatabaseFacts, HostFacts, LoadFacts, LogFacts, ToxiproxyFacts
from runbooks.runbook import LoadPlan
from runbooks.target import Cache, Database, Host, Target, Toxiproxy

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
         - (select count(*)::int from pg_stat_activity where backend_type = 'client backend')
"""


class TargetWorld:
    """The doors to one target. Reads only."""

    def __init__(self, target: Target) -> None:
        self._allow = AllowList(target.allow)

    def web(self, url: str) -> int:
        return http.probe(url, allow=self._allow, timeout_s=DOOR_S).status

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
            if not host.logs:
                return HostFacts(warnings=door.warnings)
            answer = door.run("; ".join(map(count_files, host.logs)), deadline)
        finally:
            door.close()
        return HostFacts(logs_of(host.logs, answer.stdout), door.warnings)

    def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts:
        connection: psycopg.Connection[TupleRow] = postgres.connect(
            database.dsn.value, allow=self._allow, via=via, timeout_s=DOOR_S, application_name=_APPLICATION
        )
        try:
            [row] = postgres.query(connection, _DATABASE_FACTS, timeout_s=DOOR_S)
        finally:
            connection.close()
        version, role, superuser, sees, most, free = row
        return DatabaseFacts(str(version).partition(" ")[0], role, bool(superuser), bool(sees), most, max(0, free))

    def cache(self, cache: Cache, via: tuple[str, int] | None) -> str:
        client = redis.connect(cache.url.value, allow=self._allow, via=via, timeout_s=DOOR_S)
        try:
            answer = redis.info(client)
        finally:
            redis.close(client)
        return str(answer.get("valkey_version") or answer.get("redis_version", ""))

    def slack(self, token: str, url: str | None) -> str:
        return auth_test(token, url, DOOR_S)

    def locust(self, load: LoadPlan) -> LoadFacts:
        facts = locust_file.inspect(load.locustfile, load.args, Path.cwd(), Deadline.after(LOCUST_S))
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
