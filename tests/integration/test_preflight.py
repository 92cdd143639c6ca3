"""Preflight against the sandbox: the real doors, all reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from faults.toxiproxy_server import ManagedServer
from harness.reach.allow_list import AllowList
from harness.reach.toxiproxy import ToxiproxyApi
from harness.reach.toxiproxy_state import ToxicState
from runbooks.books import find_book
from runbooks.environment import Environment
from runbooks.parsing.inputs import load_inputs
from runbooks.preflight import Check, Options, Preflight, preflight
from runbooks.runbook import Runbook
from runbooks.sandbox.sandbox import Sandbox
from runbooks.target import Host, Target

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.up("preflight-test", owned=True) as box:
        yield box


@pytest.fixture
def inputs(sandbox: Sandbox) -> tuple[Runbook, Target]:
    return load_inputs(find_book("drill"), sandbox.target)


Look = Callable[[Runbook, Target], Preflight]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    options = Options(runs=tmp_path / "runs", environment=Environment())
    return lambda runbook, target: preflight(runbook, target, options=options)


def wrong(found: Preflight) -> list[Check]:
    return [check for check in found.checks if check.ok is False]


def test_a_sound_sandbox_is_ready_and_nothing_is_written(
    inputs: tuple[Runbook, Target], look: Look, tmp_path: Path
) -> None:
    found = look(*inputs)

    assert wrong(found) == []
    assert found.exit_code == 0
    assert {"main via postgres", "main via redis"} <= {c.name for c in found.checks}
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_host_key_is_refused(inputs: tuple[Runbook, Target], look: Look, tmp_path: Path) -> None:
    runbook, target = inputs
    (tmp_path / "known_hosts").write_text("")
    host = replace(target.hosts["app-1"], known_hosts=tmp_path / "known_hosts")

    found = look(runbook, replace(target, hosts={**target.hosts, "app-1": host}))

    [host, rollback] = wrong(found)  # the rollback plan has a step there
    assert (host.area, host.name, host.refusal, found.exit_code) == ("host", "app-1", True, 14)
    assert rollback.area == "rollback"


def test_an_address_outside_the_allow_list_is_refused_at_every_door(inputs: tuple[Runbook, Target], look: Look) -> None:
    runbook, target = inputs

    found = look(runbook, replace(target, allow=("10.0.0.0/8",)))

    assert found.exit_code == 14
    assert {c.area for c in wrong(found)} == {
        *("target", "toxiproxy", "proxy", "database", "cache", "host"),
        *("invariant", "rollback", "guard rail"),  # what asks the database, what runs on a host, and the rail itself
    }
    assert all(c.refusal and "allow" in c.mend for c in wrong(found))


def test_what_does_not_answer_is_told_without_a_wait(inputs: tuple[Runbook, Target], look: Look) -> None:
    runbook, target = inputs
    nowhere = replace(
        target,
        base_url="http://127.0.0.1:9",
        hosts={"gone": Host("gone", "x@127.0.0.1:9")},
        databases={
            "main": replace(
                target.databases["main"],
                dsn=replace(target.databases["main"].dsn, value="postgresql://x@127.0.0.1:9/x"),
            )
        },
        caches={
            "main": replace(target.caches["main"], url=replace(target.caches["main"].url, value="redis://127.0.0.1:9"))
        },
    )

    found = look(runbook, nowhere)

    assert [(c.area, c.name) for c in wrong(found)] == [
        ("target", "base_url"), ("database", "main"), ("cache", "main"), ("host", "gone"),
        ("invariant", "no double charge"), ("rollback", "step 1, app-1"),
    ]  # fmt: skip
    assert found.exit_code == 2


def test_a_log_that_is_not_there_is_told(inputs: tuple[Runbook, Target], look: Look) -> None:
    runbook, target = inputs
    host = replace(target.hosts["app-1"], logs=("/nowhere/*.log",))

    found = look(runbook, replace(target, hosts={"app-1": host}))

    assert [c.detail for c in found.checks if c.area == "host" and c.ok is None] == ["/nowhere/*.log: no such file yet"]


def test_toxics_on_a_proxy_are_told_and_ours_are_refused(inputs: tuple[Runbook, Target], look: Look) -> None:
    runbook, target = inputs
    assert target.toxiproxy is not None
    assert target.toxiproxy.folder is not None
    api = ToxiproxyApi(ManagedServer.attach(target.toxiproxy.folder).api_url, AllowList(target.allow))
    for name in ("theirs", "gd-old-f1"):
        api.add_toxic("paystack", ToxicState(name, "latency", attributes={"latency": 1}))
    try:
        found = look(runbook, target)
    finally:
        for name in ("theirs", "gd-old-f1"):
            api.remove_toxic("paystack", name)

    assert [(c.name, c.ok, c.refusal) for c in found.checks if c.area == "proxy" and c.ok is not True] == [
        ("paystack", False, True), ("paystack", None, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\nos.environ['NOT_THERE_AT_ALL']\n", "KeyError"),
        (
            "from locust import HttpUser, task\nclass U(HttpUser):\n    @task\n    def t(self): pass\n",
            "no task has the tag",
        ),
        ("X = 1\n", "no User class"),
    ],
)
def test_a_locust_file_that_can_t_serve_is_told(
    inputs: tuple[Runbook, Target], look: Look, tmp_path: Path, source: str, said: str
) -> None:
    runbook, target = inputs
    locustfile = tmp_path / "mine.py"
    locustfile.write_text(source)

    found = look(replace(runbook, load=replace(runbook.load, locustfile=locustfile)), target)

    assert {c.area for c in wrong(found)} == {"load"}
    assert said in wrong(found)[0].detail
    assert found.exit_code == 2


def test_the_sandbox_s_own_target_has_no_defect_and_no_secret(sandbox: Sandbox) -> None:
    _, target = load_inputs(find_book("held"), sandbox.target)

    assert target.warnings == ()
    assert yaml.safe_load(target.text)["environment"] == "practice"
