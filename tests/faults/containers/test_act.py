"""What can't be healed exactly is refused before it is touched, and limits are written as the container has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from faults.containers.act import CpuLimit, MemoryLimit, act_of
from faults.containers.found import FoundContainer
from faults.containers.look import Look
from faults.containers.selection import Candidate
from faults.fault import FaultPlan
from harness.clock import Deadline
from harness.errors import ReachFailed, ReachTimeout, Refused

Plan = Callable[..., FaultPlan]
MIB = 1 << 20


def check(engine: Any, plan: FaultPlan, name: str = "web") -> Any:
    attributes = engine.named(name)
    act = act_of(plan.params)
    act.check(Candidate(FoundContainer.of(attributes), attributes), Look(engine, Deadline.after(5)))
    return act


@pytest.mark.parametrize("kind", ["container-stop", "container-kill", "container-restart"])
def test_a_container_that_would_be_gone_when_it_ends_is_refused(engine: Any, plan: Plan, kind: str) -> None:
    engine.add("web", AutoRemove=True)

    with pytest.raises(Refused, match="the engine removes web when it ends"):
        check(engine, plan(kind))
    check(engine, plan("container-pause"))


@pytest.mark.parametrize("kind", ["container-stop", "container-kill", "container-restart"])
def test_one_whose_network_another_shares_is_refused(engine: Any, plan: Plan, kind: str) -> None:
    web = engine.add("web")
    engine.add("sidecar", NetworkMode=f"container:{web['Id']}")

    with pytest.raises(Refused, match="sidecar shares the network of web and would lose it for good"):
        check(engine, plan(kind))


@pytest.mark.parametrize("kind", ["container-stop", "container-kill", "container-restart", "container-network"])
def test_a_port_of_the_engine_s_choice_would_be_another_one(engine: Any, plan: Plan, kind: str) -> None:
    ports = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}], "81/tcp": None}
    engine.add("web", PortBindings={"80/tcp": [{"HostIp": "", "HostPort": ""}]})["NetworkSettings"]["Ports"] = ports

    with pytest.raises(Refused, match="chose the port under which web publishes 80/tcp") as raised:
        check(engine, plan(kind))
    assert "allow_new_port: true" in raised.value.mend
    check(engine, plan(kind, allow_new_port=True))
    engine.named("web")["HostConfig"]["PortBindings"] = {"80/tcp": [{"HostIp": "", "HostPort": "32768"}]}
    check(engine, plan(kind))


@pytest.mark.parametrize(
    ("changes", "params", "words"),
    [
        ({"NetworkMode": "host"}, {}, "has no network of its own .network mode host"),
        ({"NetworkMode": "none"}, {}, "has no network of its own"),
        ({"NetworkMode": "container:abc"}, {}, "has no network of its own .network mode container"),
        ({}, {"network": "front"}, "not in the network front; it is in: back, shop"),
    ],
)
def test_a_network_that_can_not_be_cut_is_told(engine: Any, plan: Plan, changes: Any, params: Any, words: str) -> None:
    engine.add("web", **changes)

    with pytest.raises(ReachFailed, match=words):
        check(engine, plan("container-network", **params))


def test_a_network_is_meant_by_its_name_with_or_without_compose_s_project(engine: Any, plan: Plan) -> None:
    networks = engine.add("web")["NetworkSettings"]["Networks"]
    networks["shop_front"] = {"NetworkID": "net3"}
    found = FoundContainer.of(engine.named("web"))

    assert check(engine, plan("container-network", network="front")).cut_of(found) == ("net3",)
    assert check(engine, plan("container-network", network="shop")).cut_of(found) == ("net1",)
    assert set(check(engine, plan("container-network")).cut_of(found)) == {"net1", "net2", "net3"}


@pytest.mark.parametrize(
    ("host", "limit", "written", "cpus"),
    [
        ({}, 0.5, {"CpuQuota": 50_000}, 0.5),
        ({}, "25%", {"CpuQuota": 100_000}, 1.0),
        ({"NanoCpus": 800_000_000}, "25%", {"NanoCpus": 200_000_000}, 0.2),
        ({"CpuQuota": 20_000, "CpuPeriod": 50_000}, 0.2, {"CpuQuota": 10_000}, 0.2),
        ({"CpuQuota": -1}, 0.5, {"CpuQuota": 50_000}, 0.5),
    ],
)
def test_a_limit_on_cpu_is_written_in_the_container_s_own_words(
    engine: Any, plan: Plan, host: Any, limit: Any, written: Any, cpus: float
) -> None:
    engine.add("web", **host)
    act: CpuLimit = check(engine, plan("container-cpu", limit=limit))
    found = FoundContainer.of(engine.named("web"))

    act.inject(engine, found)

    assert engine.calls == [f"update {written}"]
    assert act.cpus(found) == pytest.approx(cpus)
    assert act.is_on(found, FoundContainer.of(engine.named("web")))
    assert not act.is_on(found, found)


def test_a_limit_that_takes_nothing_is_told(engine: Any, plan: Plan) -> None:
    engine.add("web", NanoCpus=500_000_000, Memory=64 * MIB)

    with pytest.raises(ReachFailed, match=r"may use 0\.5 CPUs: a limit of 0\.5 takes nothing"):
        check(engine, plan("container-cpu", limit=0.5))
    with pytest.raises(ReachFailed, match="has a memory limit of 64 MiB already"):
        check(engine, plan("container-memory", limit="64MiB"))


@pytest.mark.parametrize(
    ("host", "params", "error", "words"),
    [
        ({}, {}, Refused, "has no memory limit, and an engine can't take one off again"),
        ({"Memory": 256 * MIB, "MemoryReservation": 100 * MIB}, {}, ReachFailed, "a memory reservation of 100 MiB"),
        ({"Memory": 256 * MIB}, {"limit": "16MiB"}, Refused, "uses 20 MiB now, more than the limit of 16 MiB"),
    ],
)
def test_memory_that_can_not_be_limited_is_told(
    engine: Any, plan: Plan, host: Any, params: Any, error: type[ReachFailed], words: str
) -> None:
    engine.add("web", **host)

    with pytest.raises(error, match=words):
        check(engine, plan("container-memory", **{"limit": "64MiB"} | params))


@pytest.mark.parametrize(
    ("swap", "written"),
    [
        (512 * MIB, {"Memory": 64 * MIB, "MemorySwap": (64 + 256) * MIB}),
        (256 * MIB, {"Memory": 64 * MIB, "MemorySwap": 64 * MIB}),
        (-1, {"Memory": 64 * MIB, "MemorySwap": -1}),
        (0, {"Memory": 64 * MIB}),
    ],
)
def test_the_swap_beside_a_memory_limit_stays_as_much(engine: Any, plan: Plan, swap: int, written: Any) -> None:
    engine.add("web", Memory=256 * MIB, MemorySwap=swap)

    act: MemoryLimit = check(engine, plan("container-memory", limit="64MiB"))

    assert act.limits(FoundContainer.of(engine.named("web"))) == written


def test_less_than_is_used_may_be_asked_for(engine: Any, plan: Plan) -> None:
    engine.add("web", Memory=256 * MIB)

    check(engine, plan("container-memory", limit="16MiB", oom=True))


def test_a_pause_that_the_kernel_gives_up_on_is_asked_for_again_and_a_silent_engine_is_not(
    engine: Any, plan: Plan
) -> None:
    engine.add("web")
    act = check(engine, plan("container-pause"))
    asked = engine.pause

    def second_time(container: str, deadline: Deadline) -> None:
        if "pause" in engine.calls:
            engine.broken.clear()
        asked(container, deadline)

    engine.pause = second_time
    engine.broken = {"pause": ReachFailed("the engine refused: unable to freeze")}
    act.inject(engine, FoundContainer.of(engine.named("web")))
    assert (engine.status("web"), engine.calls) == ("paused", ["pause", "pause"])

    engine.pause = asked
    engine.broken = {"pause": ReachTimeout("no answer within 5 s")}
    with pytest.raises(ReachTimeout):
        act.inject(engine, FoundContainer.of(engine.named("web")))
    assert len(engine.calls) == 3
