"""A database server as the faults on it see it: three ways in, and how many of its slots are taken.

The watcher (the target's `dsn`) counts, the sessions of the exhausting role (`exhaust_dsn`) are the fault, the
platform's own role (`platform_dsn`) proves it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import psycopg
from psycopg.rows import TupleRow

from faults.exhausting_role import RoleFacts, ServerFacts
from harness.errors import ReachFailed
from harness.reach import postgres
from harness.reach.allow_list import AllowList

WATCH_NAME = "gameday-exhaust-watch"
LOOK_NAME = "gameday-preflight"
CALL_S = 4.0
SLOTS_FULL = re.compile(r"too many clients already|remaining connection slots are reserved")
LIMIT_REACHED = re.compile(r"too many connections for (?:role|database)")
_UNKNOWN_SETTING = 'unrecognized configuration parameter "idle_session_timeout"'

# A session that the watcher may not look into has no backend_type; a database tells it from the server's own processes.
_COUNT = """
select current_setting('max_connections')::int,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0),
       count(*)::int,
       count(*) filter (where a.application_name = %s)::int,
       count(*) filter (where a.usename = %s and coalesce(a.application_name, '') !~ '^gameday(-|$)')::int
from pg_stat_activity a
where a.backend_type = 'client backend' or (a.backend_type is null and a.datid is not null)
"""
# pg_use_reserved_connections came with PostgreSQL 16
_ROLE = """
select r.rolname::text, r.rolsuper, r.rolreplication, r.rolconnlimit,
       coalesce(pg_has_role(r.oid, to_regrole('pg_use_reserved_connections')::oid, 'usage'), false),
       pg_has_role(r.oid, 'pg_signal_backend', 'usage'),
       current_setting('server_version_num')::int,
       extract(epoch from pg_postmaster_start_time())::text,
       pg_backend_pid()
from pg_roles r where r.rolname = current_user
"""


@dataclass(frozen=True, slots=True)
class SlotCount:
    """The server's slots at one moment. `reserved`: kept for superusers and roles with a right to it; `ours`: taken by
    the fault; `platform`: sessions of the platform's role, gameday's own left out."""

    max_connections: int
    reserved: int
    used: int
    ours: int
    platform: int

    @property
    def free(self) -> int:
        """Slots that an ordinary role could still take."""
        return max(0, self.max_connections - self.reserved - self.used)


@dataclass(frozen=True, slots=True)
class ServerSlots:
    """`reference` is the exhausting role's DSN as the target file writes it, `folder` what its file references are
    relative to: the undo record holds these and no secret."""

    database: str
    watch_dsn: str = field(repr=False)
    exhaust_dsn: str = field(repr=False)
    platform_dsn: str = field(repr=False)
    reference: str
    folder: Path
    allow: AllowList = field(repr=False)

    @property
    def source(self) -> str:
        """The source of the readings of its sessions."""
        return f"database.{self.database}"

    def watch(self) -> psycopg.Connection[TupleRow]:
        """A session of the watcher, for `count`. Raises ReachFailed."""
        return postgres.connect(self.watch_dsn, allow=self.allow, timeout_s=CALL_S, application_name=WATCH_NAME)

    def exhaust(
        self, application_name: str, settings: Mapping[str, str] = MappingProxyType({})
    ) -> psycopg.Connection[TupleRow]:
        """A session of the exhausting role. Raises ReachFailed; its text tells a full server (SLOTS_FULL)."""
        try:
            return postgres.connect(
                self.exhaust_dsn,
                allow=self.allow,
                timeout_s=CALL_S,
                application_name=application_name,
                settings=settings,
            )
        except ReachFailed as error:
            if _UNKNOWN_SETTING not in error.what:
                raise
            raise ReachFailed(
                "the server has no idle_session_timeout: sessions could not be leased",
                where=error.where,
                mend="leases need PostgreSQL 14 or newer",
            ) from error

    def platform(self, application_name: str) -> psycopg.Connection[TupleRow]:
        """A session of the platform's own role. Raises ReachFailed; its text tells a full server (SLOTS_FULL)."""
        return postgres.connect(
            self.platform_dsn, allow=self.allow, timeout_s=CALL_S, application_name=application_name
        )


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """Who takes the slots, who is refused, on which server, and how many slots there are."""

    exhausting: RoleFacts
    server: ServerFacts
    platform: RoleFacts
    platform_server: ServerFacts
    watcher_server: ServerFacts
    count: SlotCount


def look(slots: ServerSlots) -> SlotFacts:
    """The facts now, by reading alone. Raises ReachFailed."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(closing(way(LOOK_NAME))) for way in (slots.exhaust, slots.platform)]
        watcher = stack.enter_context(closing(slots.watch()))
        (role, server), (user, user_server) = (read_role(session) for session in sessions)
        _, watcher_server = read_role(watcher)
        count = count_slots(watcher, "", user.name)
    # our own three sessions are gone by now
    return SlotFacts(role, server, user, user_server, watcher_server, replace(count, used=count.used - 3))


def count_slots(connection: psycopg.Connection[TupleRow], marker: str, platform_role: str) -> SlotCount:
    """The slots now, seen through a session of the watcher. Without pg_monitor it sees rather
    too many taken than too few."""
    [row] = postgres.query(connection, _COUNT, (marker, platform_role), timeout_s=CALL_S)
    return SlotCount(*row)


def read_role(connection: psycopg.Connection[TupleRow]) -> tuple[RoleFacts, ServerFacts]:
    """Who a session is, and on which server. Raises ReachFailed."""
    [row] = postgres.query(connection, _ROLE, timeout_s=CALL_S)
    name, superuser, replication, limit, reserved, signals, version, started, pid = row
    facts = RoleFacts(
        name=name,
        superuser=superuser,
        replication=replication,
        connection_limit=limit,
        uses_reserved=reserved,
        may_signal=signals,
    )
    return facts, ServerFacts(version_num=version, started=started, direct=pid == connection.info.backend_pid)
