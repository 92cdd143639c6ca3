"""What a toxic can do, and be proven to do, on the proxy that it sits on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faults.fault import FaultPlan
from faults.quantity import say_seconds, say_size
from faults.toxic_params import ToxicParams
from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, warning
from runbooks.preflight.scene import Scene
from runbooks.preflight.way_through import way_through
from runbooks.target import Proxy

AREA = "fault"
MOST_REQUEST_BYTES = 4000
"""What a request of an http probe can carry."""
_HOLDING_BACK = ("latency", "bandwidth", "slicer")
_DRAWS_PER_S = 3.0
_ENOUGH_DRAWS = 3.0


def check_toxics(scene: Scene) -> list[Check]:
    """Warnings where an effect is doubtful or a healing rough; broken where the probe can't prove the fault."""
    faults = scene.runbook.faults
    checks = [check for fault in faults for check in _check(scene, fault) if check is not None]
    return checks + [_overlapping(second, first) for second, first in _at_once(faults)]


def _at_once(faults: Sequence[FaultPlan]) -> Iterator[tuple[FaultPlan, FaultPlan]]:
    """Each fault that starts while another is on, with the first such."""
    by_start = sorted(faults, key=lambda fault: fault.at_s)
    for index, second in enumerate(by_start):
        on = [first for first in by_start[:index] if second.at_s < first.at_s + first.for_s]
        if on:
            yield second, on[0]


def _overlapping(second: FaultPlan, first: FaultPlan) -> Check:
    text = f"it overlaps {first.name}: what the platform's requests show can't be told from what that does"
    mend = f"start it at {say_seconds(first.at_s + first.for_s)} or later, where each must prove itself"
    return warning(AREA, second.name, text, mend)


def _check(scene: Scene, fault: FaultPlan) -> list[Check | None]:
    params, proxy = fault.params, scene.target.proxies.get(fault.proxy)
    if proxy is None or not isinstance(params, ToxicParams):
        return []
    return [
        _rarely_drawn(fault, params.toxicity),
        _may_wedge(scene, fault, params.stream),
        _probe_too_small(scene, fault, params, proxy),
        _only_requests(fault, params),
        _kept_open(scene, fault),
    ]


def _rarely_drawn(fault: FaultPlan, toxicity: float) -> Check | None:
    if toxicity * _DRAWS_PER_S * fault.for_s >= _ENOUGH_DRAWS:
        return None
    text = f"{toxicity:.2%} of the connections get it: in {say_seconds(fault.for_s)} perhaps none that is measured"
    return warning(AREA, fault.name, text, "write a larger toxicity, or let it last longer")


def _may_wedge(scene: Scene, fault: FaultPlan, stream: str) -> Check | None:
    server = scene.target.toxiproxy
    if fault.kind not in _HOLDING_BACK or stream == "upstream" or server is None or server.managed:
        return None
    text = "answers of 64 KB and more to clients that give up can wedge this Toxiproxy: healing would replace its proxy"
    return warning(AREA, fault.name, text, "write stream: upstream, or let a managed server hold the proxy")


def _probe_too_small(scene: Scene, fault: FaultPlan, params: ToxicParams, proxy: Proxy) -> Check | None:
    """A database or a cache is asked for as much as is needed; an http probe carries what its path answers."""
    if not params.needs_bytes or proxy.probe != "http" or _source(scene, proxy.name):
        return None
    upstream = params.stream == "upstream"
    carried = MOST_REQUEST_BYTES if upstream else _answer_bytes(scene, proxy)
    what = "a request of its probe" if upstream else f"GET {proxy.probe_path}"
    if carried is None or carried >= params.needs_bytes:
        return None
    text = f"{what} carries {say_size(carried)} {params.stream}, and proving this needs {say_size(params.needs_bytes)}"
    return bad(AREA, fault.name, text, "choose a stronger fault, or probe a path with a larger answer downstream")


def _answer_bytes(scene: Scene, proxy: Proxy) -> int | None:
    """None where it can't be asked now."""
    via = way_through(scene, proxy.name)
    try:
        return scene.world.answer_bytes(proxy, via)
    except GamedayError:
        return None


def _only_requests(fault: FaultPlan, params: ToxicParams) -> Check | None:
    if fault.kind not in ("bandwidth", "slicer") or "stream" in params.model_fields_set:
        return None
    text = f"it acts on what is sent to {fault.proxy}; answers, which are mostly larger, pass freely"
    return warning(AREA, fault.name, text, "write stream: downstream for the answers, or upstream if that is meant")


def _kept_open(scene: Scene, fault: FaultPlan) -> Check | None:
    if fault.kind != "slow-close":
        return None
    pooled = f", and a pool keeps those to {source} open" if (source := _source(scene, fault.proxy)) else ""
    text = f"it shows only where connections are closed{pooled}: else the run will be invalid"
    return warning(AREA, fault.name, text, "play it on a proxy whose clients connect for each request")


def _source(scene: Scene, proxy: str) -> str:
    target = scene.target
    behind = [d.name for d in target.databases.values() if d.through == proxy]
    behind += [c.name for c in target.caches.values() if c.through == proxy]
    return behind[0] if behind else ""
