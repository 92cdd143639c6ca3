"""Containers in a target, and what a runbook may say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.reach.container_roster import ContainerChoice
from runbooks.parsing.inputs import load_runbook

if TYPE_CHECKING:
    from conftest import Desk

LABELS = "{labels: {com.docker.compose.project: crowdfund}}"


def test_names_labels_and_an_engine_are_read(desk: Desk) -> None:
    desk.change_target(LABELS, "{names: [api, db], labels: {tier: ''}, engine: 'tcp://127.0.0.1:2375'}")

    assert desk.load()[1].containers == ContainerChoice(("api", "db"), {"tier": ""}, "tcp://127.0.0.1:2375")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{}", "containers: neither names nor labels (write {labels:"),
        ("{engine: 'unix:///var/run/docker.sock'}", "containers: neither names nor labels"),
        ("{names: [api, api]}", "the container 'api' stands there twice"),
        ("{names: [/api]}", "'/api' is no container's name (write it as docker ps shows it)"),
        ("{names: ['a b']}", "'a b' is no container's name"),
        ("{names: api}", "names"),
        ("{nams: [api]}", "unknown key 'nams' (did you mean 'names'?)"),
        ("{labels: {'a=b': c}}", "'a=b' is no label"),
        ("{labels: [a]}", "labels"),
        ("{names: [api], engine: 'tcp://10.9.9.9:2375'}", "outside the target's allow list"),
        (
            "{names: [api], engine: 'tcp://10.9.9.9'}",
            "is no engine's address (write unix:///var/run/docker.sock or",
        ),
        ("{names: [api], engine: /var/run/docker.sock}", "is no engine's address"),
        ("{names: [api], engine: 'unix://docker.sock'}", "is no engine's address"),
        ("{names: [api], engine: 'ssh://deploy@app-1'}", "over SSH is not supported (forward its socket"),
        ("{names: [api], engine: 'http://127.0.0.1:1'}", "is no engine's address"),
    ],
)
def test_defects_name_their_line_and_their_mend(desk: Desk, section: str, said: str) -> None:
    desk.change_target(LABELS, section)

    [defect] = desk.defects()

    assert defect.startswith("target.yaml:15: ")
    assert said in defect


@pytest.mark.parametrize("name", ["containers", "container.api"])
def test_no_host_takes_the_name_of_a_container(desk: Desk, name: str) -> None:
    desk.change_target("  db-1:", f"  {name}: {{ssh: deploy@127.0.0.1}}\n  db-1:")

    assert f"target.yaml:14: {name!r} is no name (use letters, digits, '-', '_' and '.')" in desk.defects()


def test_readings_of_containers_can_be_levels_and_stop_conditions(desk: Desk) -> None:
    desk.change_runbook("reading: app-1.cpu, max: 90%", "reading: container.api.memory, max: 90%")
    desk.change_runbook("of: app-1.cpu, above: 97%", "of: container.shop-api-1.running, below: 1")

    assert desk.load()[0].service_levels[3].reading == "container.api.memory"  # type: ignore[union-attr]


def test_an_unknown_reading_of_a_container_is_a_defect(desk: Desk) -> None:
    desk.change_runbook("reading: app-1.cpu, max: 90%", "reading: container.api.memry, max: 90%")

    assert "unknown reading 'memry' of container.api (did you mean 'memory'?)" in desk.defects()[0]


def test_a_share_of_a_container_s_memory_can_t_be_more_than_all(desk: Desk) -> None:
    desk.change_runbook("reading: app-1.cpu, max: 90%", "reading: container.api.memory, max: 2")

    assert "memory is a share between 0% and 100%" in desk.defects()[0]


def test_a_target_without_containers_has_no_readings_of_them_and_nothing_to_collect(desk: Desk) -> None:
    desk.change_target(f"containers: {LABELS}\n", "")
    desk.change_runbook("reading: app-1.cpu, max: 90%", "reading: container.api.memory, max: 90%")
    desk.change_runbook("collect: [app-1, db-1]", "collect: [containers, container.api, api]")

    assert [defect.partition(": ")[2] for defect in desk.defects()] == [
        "'container.api.memory': the target has no containers (add containers: {labels: {...}} to the target)",
        "'containers': the target has no containers (add containers: {labels: {...}} to the target, or take it out)",
        "'container.api': the target has no containers (add containers: {labels: {...}} to the target, or take it out)",
        "unknown host 'api' (the target's hosts are: app-1, db-1)",
    ]


def test_containers_are_collected_all_or_by_name_and_all_by_default(desk: Desk) -> None:
    desk.change_target(LABELS, "{names: [api]}")
    assert desk.load()[0].collect == ("app-1", "db-1")
    desk.change_runbook("collect: [app-1, db-1]", "collect: [containers, container.db, api]")
    assert desk.load()[0].collect == ("containers", "container.db", "api")
    desk.change_runbook("  collect: [containers, container.db, api]\n", "")

    runbook, target = desk.load()

    assert runbook.collect == ("app-1", "db-1", "containers")
    assert load_runbook(desk.runbook_path, target, environment=desk.environment).collect == runbook.collect


def test_a_misspelt_word_to_collect_is_suggested(desk: Desk) -> None:
    desk.change_runbook("collect: [app-1, db-1]", "collect: [container]")

    assert "unknown host 'container' (did you mean 'containers'?)" in desk.defects()[0]
