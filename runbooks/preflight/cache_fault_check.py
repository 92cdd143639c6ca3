"""Each fault on a cache: whether our user may do it there, and whether it can be taken back."""

from __future__ import annotations

import resource

from faults.cache_connections import CacheConnectionsParams, RoomFacts, against, wanted
from faults.cache_rights import PauseFacts, against_pausing
from faults.fault import FaultPlan
from faults.pause_holder import Rhythm
from faults.quantity import say_seconds
from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, good, objected, warning
from runbooks.preflight.scene import Scene, failed

AREA = "fault"
_OTHER_FILES = 200  # what a run has open beside the held connections


def check_cache_fault(scene: Scene, fault: FaultPlan) -> list[Check]:
    """One line when it can be played, else one for each objection."""
    params = fault.params
    rhythm = getattr(params, "rhythm", None)
    cache = scene.target.caches[fault.place]
    try:
        if isinstance(rhythm, Rhythm):
            return _pausing(fault, rhythm, scene.world.cache_pause(cache, rhythm))
        assert isinstance(params, CacheConnectionsParams)
        return _filling(fault, params, scene.world.cache_room(cache))
    except GamedayError as error:
        return [failed(AREA, fault.name, error, f"check {cache.url}")]


def _pausing(fault: FaultPlan, rhythm: Rhythm, facts: PauseFacts) -> list[Check]:
    found = against_pausing(facts, rhythm)
    if found:
        return objected(AREA, fault.name, found)
    held = "every command" if rhythm.commands == "all" else "every write"
    text = f"may hold {held} of the server with CLIENT PAUSE, {say_seconds(rhythm.pause_s)} at a time"
    return [good(AREA, fault.name, text)]


def _filling(fault: FaultPlan, params: CacheConnectionsParams, facts: RoomFacts) -> list[Check]:
    found = against(facts, params)
    if found:
        return objected(AREA, fault.name, found)
    take = wanted(facts, params)
    most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most_files != resource.RLIM_INFINITY and take > most_files - _OTHER_FILES:
        text = f"takes {take} connections, and this process may open {most_files} files"
        return [bad(AREA, fault.name, text, f"ulimit -n {take + 2 * _OTHER_FILES}")]
    text = f"takes {take} of {facts.room.most} connections, leaves {params.leave}"
    within_s = facts.bound.within_s
    if within_s is not None:
        ends = f"; if this machine vanishes the server ends them itself within {say_seconds(within_s)}"
        return [good(AREA, fault.name, text + ends)]
    why = "timeout and tcp-keepalive are 0" if facts.bound.known else "we may not ask for timeout and tcp-keepalive"
    return [
        good(AREA, fault.name, text),
        warning(AREA, fault.name, f"if this machine vanishes, the server may keep them: {why}",
                "CONFIG SET tcp-keepalive 60" if facts.bound.known else "ACL SETUSER name +config|get"),
    ]  # fmt: skip
