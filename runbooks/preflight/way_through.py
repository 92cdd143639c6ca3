"""Where TCP goes to reach something through its proxy, as far as that can be done now."""

from __future__ import annotations

from harness.reach.toxiproxy_state import reachable_at
from runbooks.preflight.scene import Scene


def way_through(scene: Scene, proxy_name: str) -> tuple[str, int] | None:
    """The proxy's listener, or None when there is no proxy or it is not listening yet."""
    proxy = scene.target.proxies.get(proxy_name)
    if proxy is None or scene.toxiproxy is None:
        return None
    state = scene.toxiproxy.proxy(proxy_name)
    if state is None or not state.enabled:
        return None
    return reachable_at(proxy.listen, scene.toxiproxy.api_url)
