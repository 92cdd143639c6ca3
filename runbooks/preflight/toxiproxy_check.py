"""The server that holds the proxies."""

from __future__ import annotations

import re

from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.doors import ToxiproxyFacts
from runbooks.preflight.lease_check import check_lease
from runbooks.preflight.scene import Scene, failed

AREA = "toxiproxy"
TESTED = "2.12.0"
_OLDEST = (2, 6)
_NUMBERS = re.compile(r"(\d+)\.(\d+)")


def find_server(scene: Scene) -> tuple[ToxiproxyFacts | None, list[Check]]:
    """The server as found, and what there is to say about it."""
    server = scene.target.toxiproxy
    if server is None:
        return None, []
    try:
        facts = scene.world.toxiproxy(server)
    except GamedayError as error:
        return None, [failed(AREA, "server", error, "is toxiproxy-server running, and is this its API's address?")]
    if facts is not None:
        return facts, [_version(facts), *check_lease(scene, facts)]
    try:
        here, where = scene.world.toxiproxy_program()
    except GamedayError as error:
        return None, [failed(AREA, "server", error)]
    if here:
        return None, [good(AREA, "server", f"managed: will be started from {where}")]
    return None, [warning(AREA, "server", f"managed: its program is not here yet, and will be had {where}")]


def _version(facts: ToxiproxyFacts) -> Check:
    found = _NUMBERS.search(facts.version)
    if found and (int(found[1]), int(found[2])) < _OLDEST:
        detail = f"{facts.version} at {facts.api_url} is older than 2.6"
        return bad(AREA, "server", detail, f"run toxiproxy-server {TESTED}")
    return good(AREA, "server", f"{facts.version} at {facts.api_url}")
