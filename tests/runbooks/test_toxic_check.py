"""What preflight says of a toxic on its proxy: what can't be proven there, and what heals roughly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import preflight_world
import pytest

from faults.catalog import KINDS
from faults.fault import FaultPlan
from harness.errors import ReachFailed
from harness.reach.toxiproxy_state import ProxyState
from runbooks.preflight.check import Check, Options
from runbooks.preflight.doors import ToxiproxyFacts, World
from runbooks.preflight.scene import Scene
from runbooks.preflight.toxic_check import check_toxics
from runbooks.runbook import Runbook
from runbooks.target import Cache, Database, Proxy, Secret, Toxiproxy

PROXIES = {
    "pg": Proxy("pg", "127.0.0.1:15432", "127.0.0.1:5432"),
    "redis": Proxy("redis", "127.0.0.1:16379", "127.0.0.1:6379"),
    "pay": Proxy("pay", "127.0.0.1:18080", "127.0.0.1:8080", "http", "/health"),
}
TARGET = replace(
    preflight_world.TARGET,
    toxiproxy=Toxiproxy(managed=True),
    proxies=PROXIES,
    databases={"main": Database("main", Secret("x", "postgresql://x"), "pg")},
    caches={"main": Cache("main", Secret("y", "redis://x"), "redis")},
)


@dataclass
class Answers:
    """A world of which only the probe's answer is asked."""

    size: int | None = 200
    via: object = "nobody asked"

    def answer_bytes(self, proxy: Proxy, via: object) -> int:
        assert proxy.probe_path == "/health"
        self.via = via
        if self.size is None:
            raise ReachFailed("connection refused")
        return self.size


def look(
    kind: str, proxy: str, world: Answers | None = None, *, for_s: float = 10.0, scene: Any = None, **params: object
) -> list[Check]:
    chosen = KINDS[kind].params.model_validate(params)
    fault = FaultPlan("f1", "it", kind, proxy, chosen, 0.0, for_s)
    runbook = cast(Runbook, _Faults((fault,)))
    base = Scene(runbook, TARGET, Options(), cast(World, world or Answers()))
    return check_toxics(replace(base, **(scene or {})))


@dataclass
class _Faults:
    faults: tuple[FaultPlan, ...]


@pytest.mark.parametrize(
    ("kind", "params", "text"),
    [
        ("bandwidth", {"rate": "64KB/s", "stream": "downstream"},
         "GET /health carries 200 bytes downstream, and proving this needs 640 bytes"),
        ("limit-data", {"bytes": "2KB"}, "GET /health carries 200 bytes downstream, and proving this needs 2.1 KB"),
        ("slicer", {"average_size": 100, "delay": "1ms", "stream": "downstream"},
         "GET /health carries 200 bytes downstream, and proving this needs 1.2 KB"),
        ("bandwidth", {"rate": "1MB/s", "stream": "upstream"},
         "a request of its probe carries 4 KB upstream, and proving this needs 10 KB"),
    ],
)  # fmt: skip
def test_what_an_http_probe_is_too_small_for_is_broken(kind: str, params: Any, text: str) -> None:
    [check] = look(kind, "pay", **params)

    assert (check.ok, check.detail) == (False, text)
    assert check.mend


def test_a_large_enough_answer_and_one_that_can_not_be_asked_now_are_fine() -> None:
    for size in (700, None):
        assert look("bandwidth", "pay", Answers(size), rate="64KB/s", stream="downstream") == []


@pytest.mark.parametrize("proxy", ["pg", "redis"])
def test_a_database_and_a_cache_carry_what_is_needed(proxy: str) -> None:
    world = Answers()

    assert look("bandwidth", proxy, world, rate="10MB/s", stream="downstream") == []
    assert world.via == "nobody asked"


def test_the_answer_is_asked_through_the_proxy_where_that_is_up() -> None:
    through, past = Answers(9000), Answers(9000)
    up = ToxiproxyFacts("http://127.0.0.1:1", "2.12.0", (ProxyState("pay", "127.0.0.1:18080", "127.0.0.1:8080", True),))

    look("limit-data", "pay", through, bytes=100, scene={"toxiproxy": up})
    look("limit-data", "pay", past, bytes=100)

    assert (through.via, past.via) == (("127.0.0.1", 18080), None)


def test_holding_back_answers_on_somebodys_own_server_is_warned_of() -> None:
    own = {"target": replace(TARGET, toxiproxy=Toxiproxy(managed=False, url="http://127.0.0.1:8474"))}
    params = {"latency": "50ms", "stream": "downstream"}

    [check] = look("latency", "pg", scene=own, **params)

    assert check.ok is None
    assert "can wedge this Toxiproxy" in check.detail
    assert look("latency", "pg", **params) == []
    assert look("latency", "pg", scene=own, latency="50ms") == []
    assert look("limit-data", "pg", scene=own, bytes=100) == []


def test_a_stream_left_open_is_asked_about_where_it_matters() -> None:
    [check] = look("bandwidth", "pg", rate="64KB/s")

    assert (check.ok, check.mend) == (None, "write stream: downstream for the answers, or upstream if that is meant")
    assert look("bandwidth", "pg", rate="64KB/s", stream="upstream") == []
    assert look("reset-peer", "pg") == []


@pytest.mark.parametrize(
    ("proxy", "words"), [("pg", "a pool keeps those to main open"), ("pay", "shows only where connections")]
)
def test_slow_close_on_connections_that_may_stay_open_is_warned_of(proxy: str, words: str) -> None:
    [check] = look("slow-close", proxy, delay="300ms")

    assert check.ok is None
    assert words in check.detail


def test_a_share_so_small_that_no_probe_may_meet_it_is_warned_of() -> None:
    [check] = look("latency", "pg", latency="50ms", toxicity="1%")

    assert (check.ok, check.detail) == (None, "1.00% of the connections get it: in 10 s perhaps none that is measured")
    assert look("latency", "pg", latency="50ms", toxicity="10%") == []


def test_what_is_no_toxic_is_none_of_its_business() -> None:
    assert look("down", "pg") == []
    assert look("flap", "pg", period="2s") == []


def test_faults_that_overlap_prove_each_other_s_effect_and_that_is_warned_of() -> None:
    down, nothing = KINDS["down"].params(), Answers()
    faults = tuple(
        FaultPlan(f"f{n}", f"no {n}", "down", n, down, at, 10.0) for n, at in (("pg", 0), ("pay", 5), ("redis", 15))
    )
    scene = Scene(cast(Runbook, _Faults(faults)), TARGET, Options(), cast(World, nothing))

    [check] = check_toxics(scene)

    assert (check.ok, check.name) == (None, "no pay")
    assert check.detail.startswith("it overlaps no pg: ")
    assert check.mend == "start it at 10 s or later, where each must prove itself"
