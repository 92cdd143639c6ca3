"""Whether the platform's connections go through a proxy, or past it: its sessions at the server beside Toxiproxy's own.

A session is known by the address that its server sees. Toxiproxy's ends of its connections are known where it runs on
this machine; then every session that is not among them goes past it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import ReachFailed
from harness.reach import postgres
from harness.reach import redis as redis_door
from harness.reach.allow_list import AllowList
from harness.reach.sockets import Address

APPLICATION_NAME = "gameday-way"
TIMEOUT_S = 2.0
_MOST_GROUPS = 3
# a session that our role may not look into has no client_port; one over a Unix socket has -1
_SESSIONS = """
/* gameday */ select coalesce(usename, ''), coalesce(host(client_addr), ''), coalesce(client_port, 0),
       coalesce(application_name, '') ~ '^gameday(-|$)', coalesce(datname, '') <> current_database()
from pg_stat_activity
where pid <> pg_backend_pid()
  and (backend_type = 'client backend' or backend_type is null)
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """One session at the server: as whom, and from where as that server sees it. `ours`: of gameday itself;
    `elsewhere`: in another database of that server."""

    who: str
    address: str
    port: int
    ours: bool = False
    elsewhere: bool = False

    @property
    def visible(self) -> bool:
        return self.port != 0

    @property
    def end(self) -> Address:
        return self.address, self.port


def database_seats(dsn: str, allow: AllowList) -> tuple[Seat, ...]:
    """The sessions of one database, and those `elsewhere` on its server. Raises ReachFailed."""
    connection = postgres.connect(dsn, allow=allow, timeout_s=TIMEOUT_S, application_name=APPLICATION_NAME)
    try:
        rows = postgres.query(connection, _SESSIONS, timeout_s=TIMEOUT_S)
    finally:
        connection.close()
    return tuple(Seat(f"role {who}", str(address), int(port), *map(bool, flags)) for who, address, port, *flags in rows)


def cache_seats(url: str, allow: AllowList) -> tuple[Seat, ...]:
    """The clients of a cache, as CLIENT LIST has them. Raises ReachFailed."""
    client = redis_door.connect(url, allow=allow, timeout_s=TIMEOUT_S)
    try:
        with redis_door.mapped(redis_door.address(client)):
            told = client.client_list()
    finally:
        redis_door.close(client)
    return tuple(_client(entry) for entry in told if "addr" in entry and _ordinary(entry))


def _ordinary(entry: dict[str, str]) -> bool:
    """No replica, no primary, no monitor."""
    return not set(entry.get("flags", "")) & set("MSO")


def _client(entry: dict[str, str]) -> Seat:
    address, _, port = str(entry["addr"]).rpartition(":")
    number = int(port) if port.isdigit() else 0
    return Seat(f"user {entry.get('user', 'default')}", address.strip("[]"), number or -1,
                str(entry.get("name", "")).startswith("gameday"))  # fmt: skip


def judge(proxy: str, seats: Sequence[Seat], ends: frozenset[Address] | None, *, toxiproxy_at: str = "") -> str:
    """One sentence where sessions go past the proxy; "" where none does, or it can't be known.

    `ends`: Toxiproxy's ends of its connections to that server, None where they can't be seen; then only sessions from
    another address than `toxiproxy_at` tell.
    """
    here = {(seat.who, seat.end) for seat in seats if not seat.elsewhere}
    platform = [seat for seat in seats if seat.visible and not seat.ours and not seat.elsewhere]
    if not platform:
        return ""
    if ends is None:
        past = [seat for seat in platform if toxiproxy_at and seat.address != toxiproxy_at]
        if len(past) < len(platform):
            return ""  # whoever shares that address may go either way
    else:
        # what Toxiproxy carries to another database of that server shows nothing of this one
        away = {seat.end for seat in seats if seat.elsewhere and (seat.who, seat.end) not in here}
        theirs = ends - away - {seat.end for seat in seats if seat.ours}
        past = [seat for seat in platform if seat.end not in theirs]
        if len(past) == len(platform) and theirs:
            return ""  # translated on the way: the server sees other addresses than Toxiproxy has
    return _said(proxy, past, len(platform)) if past else ""


def _said(proxy: str, past: Sequence[Seat], all_of_them: int) -> str:
    groups = Counter((seat.who, seat.address or "a Unix socket") for seat in past)
    named = ", ".join(f"{count} of {who} from {where}" for (who, where), count in groups.most_common(_MOST_GROUPS))
    more = f" and {len(groups) - _MOST_GROUPS} more" if len(groups) > _MOST_GROUPS else ""
    if len(past) == all_of_them:
        return f"no connection of the platform runs through the proxy {proxy}: {named}{more} go past it"
    through = all_of_them - len(past)
    return f"only {through} of {all_of_them} sessions run through the proxy {proxy}: {named}{more} go past it"


def look(
    proxy: str, seats: Callable[[], Sequence[Seat]], ends: Callable[[], frozenset[Address] | None], at: str
) -> str:
    """The judgement now; Toxiproxy's ends are taken before and after, since connections come and go. Never raises for
    what can't be reached: "" then."""
    try:
        before = ends()
        found = seats()
        after = ends()
    except ReachFailed:
        return ""
    return judge(proxy, found, None if before is None or after is None else before | after, toxiproxy_at=at)
