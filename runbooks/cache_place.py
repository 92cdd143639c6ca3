"""From a cache of the target to its server as the faults on it take it."""

from __future__ import annotations

from faults.cache_server import CacheServer
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy_state import reachable_at
from runbooks.target import Cache, Target


def cache_server(target: Target, cache: Cache, allow: AllowList, api_url: str = "") -> CacheServer:
    """The server of a cache. `api_url`: of the Toxiproxy that holds the proxies, where a listener may be on all of its
    machine's interfaces."""
    proxy = target.proxies.get(cache.through)
    return CacheServer(
        cache=cache.name,
        url=cache.url.value,
        reference=cache.url.reference,
        folder=target.path.parent.absolute(),
        allow=allow,
        via=reachable_at(proxy.listen, api_url) if proxy is not None else None,
    )
