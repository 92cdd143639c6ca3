"""Faults on containers, on a real Docker Engine: proven by what is measured, healed to exactly what was found."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine import LABEL, TestEngine, silent_engine, wait_until
from game_day_process import GameDayProcess

from faults.catalog import KINDS, build
from faults.containers.fault import ContainerFault
from faults.containers.found import FoundContainer
from faults.containers.group import ContainerGroup
from faults.containers.undo import ContainersUndo
from faults.fault import FaultGone, FaultPlan, Healed
from faults.healing import heal, read_undo
from harness.clock import Deadline, boot_s, utc_now
from harness.errors import NotHealed
from harness.journal.reader import read
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import ContainerChoice
from harness.reach.docker import DockerDoor
from harness.report.fault_account import accounts
from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
ALLOW = AllowList(["127.0.0.0/8"])
WEB = "httpd -p 80 -h /www; sleep 600"
BUSY = "httpd -p 80 -h /www; while :; do :; done"
LOCUSTFILE = """
from locust import FastHttpUser, constant, task

class User(FastHttpUser):
    wait_time = constant(0.2)
    network_timeout = connection_timeout = 2

    @task
    def page(self):
        self.client.get("/")
"""


@pytest.fixture(autouse=True)
def _cleared(engine: TestEngine) -> Iterator[None]:
    yield
    engine.clear()


@contextmanager
def fault_on(engine: TestEngine, kind: str, short: str, **params: Any) -> Iterator[ContainerFault]:
    """A fault on a container of the test, prepared."""
    plan = FaultPlan("f1", "a fault", kind, engine.name(short), KINDS[kind].params(**params), 0.0, 10.0, "container")
    made = build(plan, ContainerGroup(ContainerChoice((), engine.labels, engine.host), ALLOW), "run")
    assert isinstance(made, ContainerFault)
    try:
        yield made
    finally:
        made.close()


def of_journal(undo: ContainersUndo, seconds: float = 20.0) -> Healed:
    """As another process heals it."""
    read = read_undo(json.loads(undo.model_dump_json()))
    assert read is not None
    return heal(read, deadline=Deadline.after(seconds), allow=ALLOW)


def proven(fault: ContainerFault) -> str:
    """What proves it on the wire; asked again while a busy machine can't tell, as in a run."""
    deadline = Deadline.after(30)
    effect = fault.prove_wire()
    while effect.effective is not True and not deadline.passed:
        effect = fault.prove_wire()
    assert effect.effective is True, effect.measured.text
    return effect.measured.text


def found(engine: TestEngine, short: str) -> FoundContainer:
    return FoundContainer.of(engine.client.api.inspect_container(engine.name(short)))


def same(before: FoundContainer, after: FoundContainer) -> bool:
    """Field by field, but for the time of its start and an address of the engine's choice."""

    def fixed(container: FoundContainer) -> FoundContainer:
        networks = tuple(endpoint.model_copy(update={"address": ""}) for endpoint in container.networks)
        return container.model_copy(update={"started_at": "", "networks": networks})

    return fixed(before) == fixed(after)


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("container-pause", {}, {}, " is paused: 0.0 ms of CPU"),
    ("container-stop", {"grace": "0s"}, {}, "has ended with exit code 137; 127.0.0.1:"),
    ("container-kill", {}, {"restart_policy": {"Name": "on-failure", "MaximumRetryCount": 7}}, "exit code 137"),
    ("container-restart", {"grace": "0s"}, {"restart_policy": {"Name": "always"}}, "started anew"),
    ("container-network", {}, {}, "has no endpoint in"),
    ("container-cpu", {"limit": "20%"}, {"nano_cpus": 500_000_000}, "has 0.1 CPUs and used"),
    (
        "container-memory",
        {"limit": "64MiB"},
        {"mem_limit": "128m", "memswap_limit": "256m"},
        "of 64 MiB, by the kernel",
    ),
]


def test_each_kind_is_proven_by_what_is_measured_and_healed_to_exactly_what_was_found(engine: TestEngine) -> None:
    network = engine.client.networks.create(engine.name("net"), labels=engine.labels)
    try:
        for kind, _, options, _ in CASES:
            ports = {"80/tcp": ("127.0.0.1", free_port())}
            engine.run(kind, BUSY if kind == "container-cpu" else WEB, ports=ports, **options)
        network.connect(engine.name("container-network"), aliases=["api", "backend"])

        def play(case: tuple[str, dict[str, Any], dict[str, Any], str]) -> tuple[str, str]:
            kind, params, _, _ = case
            before = found(engine, kind)
            with fault_on(engine, kind, kind, **params) as fault:
                undo = fault.prepare()
                fault.inject()
                text = proven(fault)
                assert fault.present()
                assert found(engine, kind) != before
                of_journal(undo)
                assert same(before, found(engine, kind)), kind
                assert fault.measure_healed(Deadline.after(5)).effective is True
                of_journal(undo)
                assert same(before, found(engine, kind)), kind
            return kind, text

        with ThreadPoolExecutor(len(CASES)) as pool:
            texts = dict(pool.map(play, CASES))
    finally:
        engine.clear()
        network.remove()

    assert [kind for kind, _, _, said in CASES if said not in texts[kind]] == [], texts


def test_a_container_that_its_orchestrator_restarts_or_makes_anew_is_noticed_and_left_alone(engine: TestEngine) -> None:
    engine.run("api", "sleep 600")
    with fault_on(engine, "container-pause", "api") as fault:
        undo = fault.prepare()
        fault.inject()
        engine.client.containers.get(engine.name("api")).restart(timeout=0)

        with pytest.raises(FaultGone, match="was started anew at"):
            fault.present()
        assert "was started anew meanwhile, by somebody else: left as it is" in of_journal(undo).note

    with fault_on(engine, "container-stop", "api", grace="0s") as fault:
        undo = fault.prepare()
        fault.inject()
        engine.client.containers.get(engine.name("api")).remove(force=True)
        engine.run("api", "exit 0").wait(timeout=20)

        assert "was made anew meanwhile" in of_journal(undo).note
        assert found(engine, "api").status == "exited"
        assert fault.measure_healed(Deadline.after(2)).effective is None


def test_a_stop_under_way_when_its_conductor_died_is_ended_and_the_container_runs_again(engine: TestEngine) -> None:
    engine.run("deaf", "trap '' TERM; while :; do sleep 0.1; done")
    with fault_on(engine, "container-stop", "deaf", grace="30s") as fault:
        undo = fault.prepare()
        stopping = threading.Thread(target=fault.inject, daemon=True)
        stopping.start()
        with closing(DockerDoor(engine.host, allow=ALLOW)) as door:
            since = datetime.fromisoformat(undo.since)
            wait_until(
                lambda: "kill" in {e.action for e in door.events(since, utc_now(), Deadline.after(5))}, "a signal"
            )

        begun = boot_s()
        of_journal(undo)

        assert boot_s() - begun < 25  # and not the grace of 30 s
        stopping.join(20)
        assert found(engine, "deaf").status == "running"
        assert found(engine, "deaf").started_at != undo.containers[0].started_at


def test_an_engine_that_answers_nothing_gives_not_healed_in_time_with_what_to_type(
    engine: TestEngine, tmp_path: Path
) -> None:
    engine.run("api", "sleep 600")
    with fault_on(engine, "container-pause", "api") as fault:
        undo = fault.prepare()
    begun = boot_s()

    with silent_engine(tmp_path / "engine") as host, pytest.raises(NotHealed) as raised:
        of_journal(undo.model_copy(update={"engine": host}), 1.0)

    assert boot_s() - begun < 10
    assert raised.value.mend == f"docker -H {host} unpause {undo.containers[0].ref}"


def journal(run: GameDayProcess) -> str:
    return "".join(p.read_text() for p in (run.runs / "latest" / "journal").glob("*.jsonl"))


def test_a_game_day_proves_a_pause_at_both_ends_and_its_healer_starts_what_a_dead_conductor_had_killed(
    engine: TestEngine, tmp_path: Path
) -> None:
    port, web = free_port(), engine.name("web")
    script = "echo ready > /www/index.html; httpd -f -p 80 -h /www"
    engine.run("web", script, ports={"80/tcp": ("127.0.0.1", port)}, labels={"role": "web"})
    target = {"environment": "practice", "base_url": f"http://127.0.0.1:{port}", "allow": ["127.0.0.0/8"],
              "containers": {"labels": {LABEL: engine.prefix}, "engine": engine.host}}  # fmt: skip
    book = {
        "title": "A container breaks",
        "hypothesis": "Nothing is felt.",
        "load": {"locustfile": "locustfile.py", "users": 5, "spawn_rate": 5},
        "phases": {"warm_up": "1s", "baseline": "3s", "recovery": "3s"},
        "service_levels": [{"name": "web", "requests": "*", "error_rate": "1%"}],
        "stop_when": [],
        "faults": [
            {"name": "hangs", "kind": "container-pause", "container": f"{engine.prefix}-*", "count": 1, "for": "5s"},
            {"name": "gone", "kind": "container-kill", "labels": {"role": "web"}, "at": "8s", "for": "60s"},
        ],
    }
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    (tmp_path / "target.yaml").write_text(yaml.safe_dump(target))
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(book))
    run = GameDayProcess(tmp_path, "run", "book.yaml", "--target", "target.yaml")
    try:
        over = '"kind":"fault-injected"'
        wait_until(lambda: run.process.poll() is not None or journal(run).count(over) == 2, "both faults", 90)
        assert run.process.poll() is None
        assert found(engine, "web").status == "exited"
    finally:
        run.kill()

    wait_until(lambda: '"by":"healer"' in journal(run), "what the healer says", 30)
    assert found(engine, "web").status == "running"
    hangs, gone = accounts(read(run.folder))
    assert (hangs.effective, hangs.healed, hangs.what) == (True, True, f"container-pause on container {web}")
    assert hangs.wire is not None
    assert f"{web} is paused: 0.0 ms of CPU" in hangs.wire.measured
    assert f"{web} is as found: running" in hangs.healed_text
    assert (gone.healed, gone.hit) == (True, (web,))
