"""Who is hit: only the target's own, never more than was said, never what must not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from faults.containers import selection
from faults.containers.group import ContainerGroup
from faults.containers.selection import Selection, own_ids, select
from faults.fault import FaultPlan
from harness.clock import Deadline
from harness.errors import ReachFailed, Refused
from harness.reach.container_roster import ContainerChoice

Plan = Callable[..., FaultPlan]


@pytest.fixture
def chosen(engine: Any, group: ContainerGroup) -> Callable[..., list[str]]:
    def names(plan: FaultPlan, **changes: Any) -> list[str]:
        found = select(engine, replace(group, **changes), plan, Deadline.after(5))
        return [candidate.found.short for candidate in found.hit]

    return names


def service(name: str) -> dict[str, str]:
    return {"com.docker.compose.service": name}


def test_a_name_is_a_container_s_own_or_its_service_s_and_a_glob_means_several(
    engine: Any, chosen: Any, plan: Plan
) -> None:
    engine.add("shop-api-1", labels=service("api"))
    engine.add("shop-web-1", labels=service("web"))
    engine.add("shop-web-2", labels=service("web"))

    assert chosen(plan("container-pause", "api")) == ["api"]
    assert chosen(plan("container-pause", "shop-api-1")) == ["api"]
    assert chosen(plan("container-pause", "shop-web-*", share="100%")) == ["shop-web-1", "shop-web-2"]
    assert chosen(plan("container-pause", "shop-web-2")) == ["shop-web-2"]


def test_the_first_by_name_are_hit_the_same_ones_each_time(engine: Any, chosen: Any, plan: Plan) -> None:
    for name in ("web-3", "web-1", "web-2"):
        engine.add(name)

    for _ in range(3):
        assert chosen(plan("container-pause", "web-*", count=1)) == ["web-1"]
    assert chosen(plan("container-pause", "web-*", share="50%")) == ["web-1", "web-2"]
    assert chosen(plan("container-pause", "web-*", count=9)) == ["web-1", "web-2", "web-3"]


def test_more_than_one_without_a_stated_radius_is_refused(engine: Any, chosen: Any, plan: Plan) -> None:
    for number in range(8):
        engine.add(f"web-{number}")

    with pytest.raises(Refused, match=r"8 containers are called web-\*: web-0, .* and 2 more") as raised:
        chosen(plan("container-pause", "web-*"))
    assert raised.value.mend == "say how many may be hit: count: 1, or share: 50%"
    assert chosen(plan("container-pause", "web-1")) == ["web-1"]


def test_only_the_target_s_own_containers_can_be_hit(engine: Any, chosen: Any, plan: Plan) -> None:
    engine.add("api", labels={"project": "shop"})
    engine.add("somebody-else-s", labels={"project": "other"})
    shop = ContainerChoice(labels={"project": "shop"})

    assert chosen(plan("container-pause", "*", share="100%"), choice=shop) == ["api"]
    with pytest.raises(ReachFailed, match="no container of the target is called somebody-else-s; there are: api"):
        chosen(plan("container-pause", "somebody-else-s"), choice=shop)


def test_labels_choose_among_the_target_s(engine: Any, chosen: Any, plan: Plan) -> None:
    engine.add("a", labels={"role": "web", "tier": "front"})
    engine.add("b", labels={"role": "job"})

    assert chosen(plan("container-pause", labels={"role": "web"})) == ["a"]
    assert chosen(plan("container-pause", "b", labels={"role": ""})) == ["b"]
    with pytest.raises(ReachFailed, match="no container of the target is with role=db"):
        chosen(plan("container-pause", labels={"role": "db"}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": {"gameday.protect": ""}}, "it has the label gameday.protect"),
        ({"labels": {"gameday.protect": "true"}}, "it has the label gameday.protect"),
        ({"image": "ghcr.io/shopify/toxiproxy:2.12.0"}, "it is Toxiproxy"),
        ({"image": "registry:5000/infra/Toxiproxy@sha256:abc"}, "it is Toxiproxy"),
    ],
)
def test_what_must_not_be_hit_is_left_out_or_refused(
    engine: Any, group: ContainerGroup, plan: Plan, changes: Any, reason: str
) -> None:
    engine.add("web-1", **changes)
    engine.add("web-2")

    found: Selection = select(engine, group, plan("container-pause", "web-*"), Deadline.after(5))
    assert (found.names, found.running, found.left_out) == ("web-2", 1, (f"web-1 ({reason})",))
    with pytest.raises(Refused, match=f"it would hit web-1 .{reason}"):
        select(engine, group, plan("container-pause", "web-1"), Deadline.after(5))


def test_a_label_that_says_no_protects_nothing(engine: Any, chosen: Any, plan: Plan) -> None:
    engine.add("web", labels={"gameday.protect": "false"})

    assert chosen(plan("container-pause", "web")) == ["web"]


def test_toxiproxy_is_known_by_the_target_s_address_of_it(engine: Any, chosen: Any, plan: Plan) -> None:
    engine.add("faults")["NetworkSettings"]["Ports"] = {"8474/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8474"}]}
    engine.add("tp")

    for address in (("127.0.0.1", 8474), ("faults", 1), ("172.18.0.1", 1)):
        assert chosen(plan("container-pause", "*"), toxiproxy=address) == ["tp"]
    assert chosen(plan("container-pause", "*"), toxiproxy=("tp", 8475)) == ["faults"]


def test_gameday_never_hits_the_container_that_it_runs_in(
    engine: Any, chosen: Any, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = engine.add("gameday")
    engine.add("web")
    monkeypatch.setattr(selection, "own_ids", lambda: frozenset({ours["Id"][:12]}))

    assert chosen(plan("container-pause", "*")) == ["web"]


def test_outside_of_a_container_no_id_is_taken_for_our_own() -> None:
    assert all(len(own) in (12, 64) for own in own_ids())


def test_what_does_not_run_is_not_counted_and_is_said(engine: Any, group: ContainerGroup, plan: Plan) -> None:
    engine.add("web-1", status="exited")
    engine.add("web-2")

    found = select(engine, group, plan("container-pause", "web-*"), Deadline.after(5))
    assert (found.names, found.left_out) == ("web-2", ("web-1 (it is exited)",))
    with pytest.raises(ReachFailed, match=r"no container called web-1 runs: web-1 .it is exited."):
        select(engine, group, plan("container-pause", "web-1"), Deadline.after(5))
