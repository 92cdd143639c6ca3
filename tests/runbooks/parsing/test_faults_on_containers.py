"""Faults on containers in a runbook: read, and each slip told."""

from __future__ import annotations

from typing import Any

import pytest

from faults.containers.params import ContainerParams
from runbooks.parsing.schema import json_schema

PAUSE = "  - {name: hangs, kind: container-pause, container: api, at: 60s, for: 30s}\n"
STOP = "stop_when:\n"


def with_fault(desk: Any, line: str) -> None:
    desk.change_runbook(STOP, f"{line}{STOP}")


def test_a_name_a_glob_or_labels_choose_containers(desk: Any) -> None:
    with_fault(
        desk,
        PAUSE
        + '  - {name: a, kind: container-stop, container: "web-*", share: 50%, at: 100s, for: 9s}\n'
        + "  - {name: b, kind: container-kill, labels: {role: web, any: }, count: 2, at: 120s, for: 9s}\n"
        + "  - {name: c, kind: container-cpu, container: api, limit: 25%, at: 140s, for: 9s}\n",
    )

    pause, stop, kill, cpu = desk.load()[0].faults[2:]

    assert (pause.on, pause.place, pause.recorded_params) == ("container", "api", {})
    assert (stop.place, stop.recorded_params) == ("web-*", {"grace_ms": 10_000.0, "share": 0.5})
    assert kill.place == "*"
    assert kill.recorded_params == {"signal": "SIGKILL", "labels": "role=web, any", "count": 2}
    assert isinstance(kill.params, ContainerParams)
    assert kill.params.wanted_labels == {"role": "web", "any": ""}
    assert cpu.recorded_params == {"limit": "25%"}


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        ("container: api", "proxy: postgres", "container-pause sits on a container, not on a proxy"),
        ("container: api, ", "", "the key 'container' is missing"),
        ("container: api", "container:", "the key 'container' has no value"),
        ("container: api", "container: api, count: 1, share: 50%", "count and share both say how many"),
        ("container: api", "container: api, labels: [web]", "labels here are {key: value}"),
        ("container: api", "container: api, labels: {}", "labels here are {key: value}"),
        ("container: api", "container: api, cuont: 1", "unknown key 'cuont' of the fault kind 'container-pause'"),
        ("container: api", "container: api, count: 0", "faults.count: must be at least 1"),
        ("container: api", "container: api, share: 200%", "200% is no share"),
        ("container-pause", "container-puase", "did you mean 'container-pause'?"),
        ("kind: container-pause", "kind: container-cpu, limit: lots", "write 0.5 (CPUs) or 25%"),
        ("kind: container-pause", "kind: container-cpu", "the key 'limit' is missing"),
        ("kind: container-pause", "kind: container-kill, signal: KILL", "signal"),
    ],
)
def test_each_slip_in_a_fault_on_containers_is_told(desk: Any, old: str, new: str, defect: str) -> None:
    with_fault(desk, PAUSE.replace(old, new))

    assert any(defect in said for said in desk.defects()), desk.defects()


def test_a_target_without_containers_has_no_faults_on_them(desk: Any) -> None:
    with_fault(desk, PAUSE)
    desk.change_target("containers: {labels: {com.docker.compose.project: crowdfund}}\n", "")

    assert any("container-pause needs containers, and the target has none" in said for said in desk.defects())


def test_two_at_once_on_the_same_containers_can_not_be_told_apart_but_limits_of_two_sorts_can(desk: Any) -> None:
    cpu = PAUSE.replace("container-pause", "container-cpu, limit: 25%").replace("hangs", "slow")
    memory = PAUSE.replace("container-pause", "container-memory, limit: 64MiB").replace("hangs", "small")
    with_fault(desk, cpu + memory)
    assert len(desk.load()[0].faults) == 4

    desk.change_runbook(STOP, PAUSE.replace("60s", "89s") + STOP)
    assert any("'slow' and 'hangs' are on the same containers at once" in said for said in desk.defects())


def test_the_schema_wants_a_name_or_labels() -> None:
    shapes = {s["title"]: s for s in json_schema("runbook")["properties"]["faults"]["items"]["oneOf"]}

    assert shapes["container-pause"]["anyOf"] == [{"required": ["container"]}, {"required": ["labels"]}]
    assert "container" not in shapes["container-pause"]["required"]
    assert shapes["container-pause"]["properties"]["labels"]["anyOf"][0]["type"] == "object"
    assert "container" not in shapes["latency"]["properties"]
