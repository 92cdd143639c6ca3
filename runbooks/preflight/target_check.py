"""The target as a whole: its environment, its allow list, and whether it answers."""

from __future__ import annotations

import ipaddress

from harness.errors import GamedayError, NotAllowed
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.scene import Scene, failed

AREA = "target"
_WIDEST_PREFIX = {4: 8, 6: 32}


def check_file(scene: Scene) -> list[Check]:
    """A very wide allow list is told, and what is odd in the file."""
    checks: list[Check] = []
    wide = [entry for entry in scene.target.allow if _is_wide(entry)]
    if wide:
        checks.append(warning(AREA, "allow", f"{wide[0]} allows very much", "list only the platform's own networks"))
    return checks + [warning(AREA, "file", text) for text in scene.target.warnings]


def check_answers(scene: Scene) -> list[Check]:
    """The platform answers at its base URL; what it answers is the service levels' business.

    While its proxies' managed server is not up, a platform may have to be silent: it is asked again once that runs.
    """
    url = scene.target.base_url
    later = scene.target.toxiproxy is not None and scene.target.toxiproxy.managed and scene.toxiproxy is None
    try:
        status = scene.world.web(f"{url}/")
    except NotAllowed as error:
        return [failed(AREA, "base_url", error)]
    except GamedayError as error:
        if later:
            return [warning(AREA, "base_url", f"{url} does not answer yet: asked again once toxiproxy-server runs")]
        return [failed(AREA, "base_url", error, f"is the platform up at {url}?")]
    if status >= 500 and later:
        return [warning(AREA, "base_url", f"{url} answers with {status}: asked again once toxiproxy-server runs")]
    if status >= 500:
        return [bad(AREA, "base_url", f"{url} answers with {status}", "mend the platform before breaking it")]
    return [good(AREA, "base_url", f"{url} answers ({status})")]


def _is_wide(entry: str) -> bool:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return network.prefixlen < _WIDEST_PREFIX[network.version]
