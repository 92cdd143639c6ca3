"""What a runbook says of faults on containers: read, or refused with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from faults.catalog import KINDS
from faults.containers.params import ContainerParams, CpuParams, PauseParams


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("container-pause", {"count": 1, "share": "50%"}, "count and share both say how many"),
        ("container-pause", {"count": 0}, "greater than or equal to 1"),
        ("container-pause", {"share": 0}, "greater than 0"),
        ("container-pause", {"labels": {}}, "labels here are {key: value}"),
        ("container-pause", {"labels": ["role"]}, "labels here are {key: value}"),
        ("container-pause", {"labels": {"role": ["web"]}}, "is no label"),
        ("container-pause", {"labels": {"role": True}}, "the value in quotes"),
        ("container-pause", {"labels": {"role": "a,b"}}, "with a comma"),
        ("container-pause", {"grace": "1s"}, "Extra inputs"),
        ("container-stop", {"grace": "1m"}, "less than or equal to 30"),
        ("container-kill", {"signal": "SIGHUP"}, "SIGKILL"),
        ("container-network", {"network": ""}, "at least 1 character"),
        ("container-cpu", {}, "Field required"),
        ("container-cpu", {"limit": 0}, "is no limit"),
        ("container-cpu", {"limit": "100%"}, "limits nothing"),
        ("container-cpu", {"limit": "0%"}, "limits nothing"),
        ("container-cpu", {"limit": "-5%"}, "no share"),
        ("container-cpu", {"limit": "half"}, "write 0.5 (CPUs) or 25%"),
        ("container-cpu", {"limit": True}, "is no limit"),
        ("container-cpu", {"limit": "nan"}, "is no limit"),
        ("container-memory", {"limit": "1MB"}, "greater than or equal to 6291456"),
        ("container-memory", {"limit": "lots"}, "is no number of bytes"),
    ],
)
def test_what_can_not_be_played_is_refused_with_words(kind: str, params: Any, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        KINDS[kind].params.model_validate(params)

    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("radius", "matching", "most"),
    [({}, 3, None), ({"count": 2}, 5, 2), ({"count": 9}, 5, 9), ({"share": "50%"}, 3, 2), ({"share": "1%"}, 3, 1),
     ({"share": "20%"}, 5, 1), ({"share": "100%"}, 7, 7), ({"share": 0.3}, 10, 3)],
)  # fmt: skip
def test_a_share_is_rounded_up_and_a_count_is_the_most(radius: Any, matching: int, most: int | None) -> None:
    assert PauseParams.model_validate(radius).most(matching) == most


def test_labels_are_one_line_in_the_journal_and_pairs_for_the_engine() -> None:
    params = PauseParams.model_validate({"labels": {"role": "web", "com.shop/tier": 2, "any": None, "eq": "a=b"}})

    assert params.labels == "role=web, com.shop/tier=2, any, eq=a=b"
    assert params.wanted_labels == {"role": "web", "com.shop/tier": "2", "any": "", "eq": "a=b"}
    assert PauseParams.model_validate({"labels": params.labels}) == params  # as a run folder holds it


def test_a_share_of_the_cpus_is_of_what_the_container_may_use() -> None:
    assert CpuParams.model_validate({"limit": "25%"}).cpus(2.0) == 0.5
    assert CpuParams.model_validate({"limit": 0.3}).cpus(2.0) == 0.3


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("container-pause", {}, "its processes are frozen: it takes connections and answers nothing"),
        ("container-stop", {}, "it is stopped, with 10 s to end by itself"),
        ("container-restart", {"grace": "1s"}, "it is restarted, with 1 s to end by itself"),
        ("container-kill", {}, "its first process is sent SIGKILL"),
        ("container-network", {}, "it is taken out of all its networks"),
        ("container-network", {"network": "back"}, "it is taken out of the network back"),
        ("container-cpu", {"limit": "25%"}, "it gets 25% of the CPU time that it may use"),
        ("container-cpu", {"limit": 0.5}, "it gets 0.5 CPUs"),
        ("container-memory", {"limit": "64MiB", "oom": True}, "it gets 64 MiB of memory: what needs more is killed"),
    ],
)
def test_what_a_kind_does_reads_aloud(kind: str, params: Any, words: str) -> None:
    assert KINDS[kind].expected(KINDS[kind].params.model_validate(params)) == words


def test_every_kind_on_containers_can_state_its_blast_radius() -> None:
    kinds = [kind for kind in KINDS.values() if kind.on == "container"]

    assert len(kinds) == 7
    assert all(
        issubclass(kind.params, ContainerParams) and kind.needs and kind.proven and kind.healed for kind in kinds
    )
