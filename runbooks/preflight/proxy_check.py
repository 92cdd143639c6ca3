"""Each proxy: as the target says, its two ends reachable, and nobody's toxics on it."""

from __future__ import annotations

from harness.errors import GamedayError, NotAllowed
from harness.reach.allow_list import split_address
from harness.reach.toxiproxy_state import ProxyState, reachable_at, same_address
from runbooks.preflight.check import Check, bad, good, refused, warning
from runbooks.preflight.scene import Scene, failed
from runbooks.target import Proxy

AREA = "proxy"
OURS = "gd-"
"""How the names of our toxics begin."""


def check_proxy(scene: Scene, proxy: Proxy) -> list[Check]:
    """One line when all is well, else one for each thing that is not."""
    checks = [*_upstream(scene, proxy), *_at_the_server(scene, proxy), *_past(scene, proxy)]
    return checks or [good(AREA, proxy.name, f"{proxy.listen} to {proxy.upstream}")]


def _upstream(scene: Scene, proxy: Proxy) -> list[Check]:
    try:
        scene.world.connects(*split_address(proxy.upstream))
    except NotAllowed as error:
        return [failed(AREA, proxy.name, error)]
    except GamedayError as error:
        if scene.target.toxiproxy is not None and not scene.target.toxiproxy.managed:
            # somebody's own server may stand in another network, and reach what we can't
            text = f"its upstream {proxy.upstream} can't be reached from here: {error.what}"
            return [warning(AREA, proxy.name, text, "see that the server of the proxies can")]
        return [bad(AREA, proxy.name, f"its upstream {proxy.upstream}: {error.what}", "is that server up?")]
    return []


def _at_the_server(scene: Scene, proxy: Proxy) -> list[Check]:
    server = scene.target.toxiproxy
    assert server is not None
    if scene.toxiproxy is None:
        return _free_port(scene, proxy) if server.managed else []
    state = scene.toxiproxy.proxy(proxy.name)
    if state is not None:
        return [*_as_said(scene, proxy, state), *_toxics(proxy, state)]
    if server.managed:
        return _free_port(scene, proxy)
    names = ", ".join(p.name for p in scene.toxiproxy.proxies) or "none"
    mend = f"create it there, or correct the name: its proxies are {names}"
    return [bad(AREA, proxy.name, f"no such proxy at {scene.toxiproxy.api_url}", mend)]


def _past(scene: Scene, proxy: Proxy) -> list[Check]:
    """Where a fault sits on it: a platform that goes past it doesn't feel that fault."""
    if scene.toxiproxy is None or not any(fault.proxy == proxy.name for fault in scene.runbook.faults):
        return []
    past = scene.world.way_past(proxy, scene.toxiproxy)
    mend = f"let the platform connect to {proxy.listen}, and restart it if its pool is older than the proxy"
    return [warning(AREA, proxy.name, past, mend)] if past else []


def _free_port(scene: Scene, proxy: Proxy) -> list[Check]:
    """The managed server will listen there: nobody else may."""
    try:
        scene.world.connects(*split_address(proxy.listen))
    except NotAllowed as error:
        return [failed(AREA, proxy.name, error)]
    except GamedayError:
        return []
    mend = "end that program, or give the proxy another listen address"
    return [bad(AREA, proxy.name, f"its port is taken: another program listens on {proxy.listen}", mend)]


def _as_said(scene: Scene, proxy: Proxy, state: ProxyState) -> list[Check]:
    assert scene.toxiproxy is not None
    checks = []
    for what, here, there in (
        ("listens on", proxy.listen, state.listen),
        ("leads to", proxy.upstream, state.upstream),
    ):
        if not _same(here, there):
            text = f"{what} {there}, and the target file says {here}"
            checks.append(bad(AREA, proxy.name, text, "correct the target file or the proxy"))
    if not state.enabled:
        checks.append(bad(AREA, proxy.name, "is disabled", "enable it, or find out who disabled it and why"))
        return checks
    try:
        scene.world.connects(*reachable_at(proxy.listen, scene.toxiproxy.api_url))
    except GamedayError as error:
        checks.append(failed(AREA, proxy.name, error, "disable and enable the proxy: its listener may be dead"))
    return checks


def _toxics(proxy: Proxy, state: ProxyState) -> list[Check]:
    ours = [toxic.name for toxic in state.toxics if toxic.name.startswith(OURS)]
    theirs = [f"{toxic.name} ({toxic.type})" for toxic in state.toxics if not toxic.name.startswith(OURS)]
    checks = []
    if ours:
        text = f"a game day left {', '.join(ours)} on it, or another one is going on"
        checks.append(refused(AREA, proxy.name, text, "gameday status, then gameday heal"))
    if theirs:
        text = f"carries somebody else's {', '.join(theirs)}: what is measured includes it"
        checks.append(warning(AREA, proxy.name, text, "take it off, or know that it is there"))
    return checks


def _same(here: str, there: str) -> bool:
    """Addresses as a server writes them: [::] or 0.0.0.0 for all interfaces, 127.0.0.1 for localhost."""
    return same_address(_plain(here), _plain(there))


def _plain(address: str) -> str:
    return address.replace("[::]:", "0.0.0.0:")
