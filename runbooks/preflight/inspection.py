"""The preflight itself: every check at the same time, each in bounded time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from dataclasses import replace
from functools import partial

from faults.fault import FaultPlan, PlaceKind
from harness.analysis.service_level import CrashLevel, Invariant
from harness.clock import Deadline
from runbooks.guard_rails.guard_rails import GuardRails
from runbooks.preflight.activities_check import check_activities
from runbooks.preflight.alerting_check import check_alerting
from runbooks.preflight.cache_check import check_cache
from runbooks.preflight.cache_fault_check import check_cache_fault
from runbooks.preflight.check import Check, Options, Preflight, bad
from runbooks.preflight.claim_check import check_claims
from runbooks.preflight.containers_check import check_containers
from runbooks.preflight.database_check import check_database
from runbooks.preflight.doors import ToxiproxyFacts, World
from runbooks.preflight.fault_check import check_faults
from runbooks.preflight.hits_check import check_hits
from runbooks.preflight.host_check import check_host
from runbooks.preflight.host_fault_check import check_host_fault
from runbooks.preflight.invariant_check import check_crash_level, check_invariant
from runbooks.preflight.load_check import check_load
from runbooks.preflight.proxy_check import check_proxy
from runbooks.preflight.rails_check import check_rails
from runbooks.preflight.rollback_check import check_rollback_step
from runbooks.preflight.run_folder_check import check_run_folder
from runbooks.preflight.scene import Scene, Task
from runbooks.preflight.sessions_check import check_on_database
from runbooks.preflight.slack_check import check_slack
from runbooks.preflight.target_check import check_answers, check_file
from runbooks.preflight.toxic_check import check_toxics
from runbooks.preflight.toxiproxy_check import find_server
from runbooks.preflight.world import TargetWorld
from runbooks.runbook import Runbook
from runbooks.target import Target

DEADLINE_S = 30.0
"""Behind the deadlines of the doors themselves."""
_MOST_AT_ONCE = 32
FaultLook = Callable[[Scene, FaultPlan], list[Check]]
_ORDER = (
    "guard rail",
    "target",
    "claim",
    "toxiproxy",
    "proxy",
    "database",
    "cache",
    "host",
    "load",
    "invariant",
    "crashes",
    "fault",
    "alerting",
    "slack",
    "containers",
    "rollback",
    "run folder",
)

_ON_PLACE: Mapping[PlaceKind, FaultLook] = {
    "database": check_on_database,
    "cache": check_cache_fault,
    "container": check_hits,
    "host": check_host_fault,
}
"""What is looked at where a fault sits; proxies are looked at together."""
_OF_KIND: Mapping[str, FaultLook] = {"chaostoolkit": check_activities}


def preflight(
    runbook: Runbook,
    target: Target,
    *,
    options: Options,
    world: World | None = None,
    deadline_s: float = DEADLINE_S,
    rails: GuardRails | None = None,
) -> Preflight:
    """Looks at everything the game day needs; writes nothing, touches no fault.

    Never raises for what it finds: that is what the checks say. `world` is the target's own doors by default, `rails`
    those that the options leave.
    """
    deadline = Deadline.after(deadline_s)
    scene = Scene(runbook, target, options, world or TargetWorld(target))
    pool = ThreadPoolExecutor(max_workers=_MOST_AT_ONCE, thread_name_prefix="preflight")
    try:
        guarded = rails or GuardRails(runbook, target, options.waived)
        begun = [("guard rail", pool.submit(check_rails, guarded))]
        begun += [(area, pool.submit(task)) for area, task in _independent(scene)]
        server = pool.submit(find_server, scene)
        scene, about_server = _with_server(scene, server, deadline)
        begun += [(area, pool.submit(task)) for area, task in _behind_toxiproxy(scene)]
        checks = [check for area, future in begun for check in _checks(area, future, deadline)]
    finally:
        # a door that overstays its own deadline must not hold us up
        pool.shutdown(wait=False, cancel_futures=True)
    return Preflight(tuple(sorted([*checks, *about_server], key=_rank)))


def _independent(scene: Scene) -> Iterator[tuple[str, Task]]:
    yield "target", partial(check_file, scene)
    yield "claim", partial(check_claims, scene)
    yield "load", partial(check_load, scene)
    yield "fault", partial(check_faults, scene)
    yield "slack", partial(check_slack, scene)
    yield "run folder", partial(check_run_folder, scene)
    yield "alerting", partial(check_alerting, scene)
    for level in scene.runbook.service_levels:
        if isinstance(level, CrashLevel):
            yield "crashes", partial(check_crash_level, scene, level)
    yield "containers", partial(check_containers, scene)
    for fault in scene.runbook.faults:
        look = _OF_KIND.get(fault.kind) or _ON_PLACE.get(fault.on)
        if look is not None:
            yield "fault", partial(look, scene, fault)
    for number, step in enumerate(scene.runbook.rollback, start=1):
        yield "rollback", partial(check_rollback_step, scene, number, step)
    for host in scene.target.hosts.values():
        yield "host", partial(check_host, scene, host)


def _behind_toxiproxy(scene: Scene) -> Iterator[tuple[str, Task]]:
    yield "target", partial(check_answers, scene)
    for level in scene.runbook.service_levels:
        if isinstance(level, Invariant):
            yield "invariant", partial(check_invariant, scene, level)
    yield "fault", partial(check_toxics, scene)
    for proxy in scene.target.proxies.values():
        yield "proxy", partial(check_proxy, scene, proxy)
    for database in scene.target.databases.values():
        yield "database", partial(check_database, scene, database)
    for cache in scene.target.caches.values():
        yield "cache", partial(check_cache, scene, cache)


def _with_server(
    scene: Scene, server: Future[tuple[ToxiproxyFacts | None, list[Check]]], deadline: Deadline
) -> tuple[Scene, list[Check]]:
    try:
        facts, checks = server.result(timeout=deadline.left_s())
    except NotDone:
        return scene, [_late("toxiproxy")]
    return replace(scene, toxiproxy=facts), checks


def _checks(area: str, future: Future[list[Check]], deadline: Deadline) -> list[Check]:
    try:
        return future.result(timeout=deadline.left_s())
    except NotDone:
        return [_late(area)]


def _late(area: str) -> Check:
    return bad(area, "deadline", "the check did not end in time", "see whether the machine is overloaded")


def _rank(check: Check) -> int:
    return _ORDER.index(check.area)
