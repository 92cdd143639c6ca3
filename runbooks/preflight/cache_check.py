"""Each cache: directly, and through its proxy as the platform goes."""

from __future__ import annotations

from harness.errors import GamedayError
from runbooks.preflight.check import Check, good
from runbooks.preflight.scene import Scene, failed
from runbooks.preflight.way_through import way_through
from runbooks.target import Cache

AREA = "cache"


def check_cache(scene: Scene, cache: Cache) -> list[Check]:
    """One line for each way to it."""
    try:
        version = scene.world.cache(cache, None)
    except GamedayError as error:
        return [failed(AREA, cache.name, error, f"check {cache.url}")]
    checks = [good(AREA, cache.name, f"Redis {version}")]
    via = way_through(scene, cache.through)
    if via is None:
        return checks
    name = f"{cache.name} via {cache.through}"
    try:
        scene.world.cache(cache, via)
    except GamedayError as error:
        return [*checks, failed(AREA, name, error, f"does the proxy {cache.through} lead to this cache?")]
    return [*checks, good(AREA, name, "the proxy leads to it")]
