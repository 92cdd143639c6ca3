"""Whether the platform goes through a proxy of its target, or past it: asked at its database or cache."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from faults import way_past
from faults.way_past import Seat
from harness.reach.allow_list import AllowList, split_address
from harness.reach.own_address import is_own
from harness.reach.sockets import Address, connections_of_listener
from harness.reach.toxiproxy import DEFAULT_PORT
from runbooks.target import Proxy, Target


def way_of(target: Target, proxy: Proxy, api_url: str, api_address: str, allow: AllowList) -> str:
    """What goes past the proxy now, in a sentence; "" for nothing, or where it can't be known. `api_address`: the
    IP address of Toxiproxy's API. Raises nothing for what can't be reached."""
    if not _asked(target, proxy):
        return ""
    port = urlsplit(api_url).port or DEFAULT_PORT

    def ends() -> frozenset[Address] | None:
        return connections_of_listener(port, split_address(proxy.upstream)[1]) if is_own(api_address) else None

    # of this machine's addresses, its connections may come from any
    at = "" if is_own(api_address) else api_address
    return way_past.look(proxy.name, lambda: _seats(target, proxy, allow), ends, at)


def _asked(target: Target, proxy: Proxy) -> bool:
    return any(user.through == proxy.name for users in (target.databases, target.caches) for user in users.values())


def _seats(target: Target, proxy: Proxy, allow: AllowList) -> Sequence[Seat]:
    databases = [database for database in target.databases.values() if database.through == proxy.name]
    if databases:
        return [seat for database in databases for seat in way_past.database_seats(database.dsn.value, allow)]
    for cache in target.caches.values():
        if cache.through == proxy.name:
            return way_past.cache_seats(cache.url.value, allow)
    return ()
