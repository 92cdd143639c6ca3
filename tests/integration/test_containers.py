"""Containers on a real Docker Engine: readings, crashes, logs and states."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from engine import TestEngine, wait_until
from game_day_process import GameDayProcess

from harness.clock import Clock, Deadline, boot_s
from harness.evidence.bundle import Bundle
from harness.evidence.collector import LogCollector
from harness.evidence.container_collection import ContainerCollection
from harness.journal.record import CrashSeen, EvidenceCollected, Gap, Readings, Record
from harness.monitor.container_watch import ContainerWatch
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import ContainerChoice, ContainerRoster
from harness.reach.docker import DockerDoor
from harness.redaction import Redactor
from runbooks.preflight.containers_look import look_at_containers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]
LOCUSTFILE = """
from locust import FastHttpUser, constant, task

class User(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def page(self):
        with self.client.get("/", catch_response=True) as got:
            got.success()
"""
ALLOW = AllowList(["127.0.0.0/8"])


@pytest.fixture(autouse=True)
def _cleared(engine: TestEngine) -> Iterator[None]:
    yield
    engine.clear()


@pytest.fixture
def door(engine: TestEngine) -> Iterator[DockerDoor]:
    made = DockerDoor(engine.host, allow=ALLOW)
    yield made
    made.close()


@pytest.fixture
def roster(engine: TestEngine, door: DockerDoor) -> ContainerRoster:
    return ContainerRoster(ContainerChoice((), engine.labels, engine.host), door)


class Watched:
    """What a watch told."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def last(self, source: str) -> dict[str, float]:
        return next((r.values for r in reversed(self.records) if isinstance(r, Readings) and r.source == source), {})

    @property
    def crashes(self) -> list[CrashSeen]:
        return [r for r in self.records if isinstance(r, CrashSeen)]


@contextmanager
def watching(roster: ContainerRoster) -> Iterator[Watched]:
    watched = Watched()
    watch = ContainerWatch(roster, watched.records.append, Clock.start())
    watch.start()
    try:
        yield watched
    finally:
        assert watch.stop(10)


def collected(
    roster: ContainerRoster, folder: Path, clock: Clock, meanwhile: Callable[[], object] = lambda: None
) -> EvidenceCollected:
    """What a collector finds that looked before `meanwhile` and collects after it."""
    collector = LogCollector([], [ContainerCollection(roster, clock)])
    collector.remember(Deadline.after(10))
    meanwhile()
    bundle = Bundle(folder, Redactor())
    collector.collect(bundle, 20)
    return bundle.finish()


def journal(run: GameDayProcess) -> str:
    return "".join(p.read_text() for p in (run.runs / "latest" / "journal").glob("*.jsonl"))


def text_of(folder: Path, found: EvidenceCollected, source: str, what: str) -> str:
    [path] = [f.path for f in found.files if (f.source, f.what) == (source, what)]
    return (folder / path).read_text()


def test_what_containers_use_is_read_and_a_limit_makes_it_a_share(engine: TestEngine, roster: ContainerRoster) -> None:
    engine.run("busy", "while :; do :; done", nano_cpus=200_000_000, labels={"com.docker.compose.service": "busy"})
    engine.run("web", "dd if=/dev/zero of=/dev/shm/x bs=1M count=16; sleep 60", mem_limit="64m", network_mode="bridge")
    web = f"container.{engine.name('web')}"

    with watching(roster) as told:
        wait_until(lambda: told.last("container.busy").get("cpu", 0) > 0.5, "a busy container's share of its CPU")
        wait_until(lambda: told.last(web).get("memory", 0) > 0.1, "a container's share of its memory")
        wait_until(lambda: "received_bytes_per_s" in told.last(web), "the network of a container that has one")

    values = told.last(web)
    assert (values["running"], values["restarts"]) == (1.0, 0.0)
    assert values["memory"] == pytest.approx(values["memory_bytes"] / (64 << 20), abs=0.001)
    assert 1 <= values["processes"] <= 4
    assert told.last("container.busy")["cpu"] <= 1.0
    assert not told.crashes


def test_every_way_to_crash_is_told_once_and_what_a_person_asks_for_is_none(
    engine: TestEngine, roster: ContainerRoster
) -> None:
    wait = "while [ ! -e /tmp/go ]; do sleep 0.1; done; "
    engine.run("exits", wait + "exit 3")
    engine.run("again", wait + "rm /tmp/go; exit 4", restart_policy={"Name": "on-failure", "MaximumRetryCount": 5})
    engine.run("oom", wait + "tail /dev/zero", mem_limit="24m")
    engine.run("worker", wait + "tail /dev/zero; sleep 60", mem_limit="24m")
    engine.run("done", wait + "exit 0")
    engine.run("stopped", "sleep 60")
    engine.run("killed", "sleep 60")
    engine.run("restarted", "sleep 60")
    shorts = ("exits", "again", "oom", "worker", "done", "stopped", "killed", "restarted")
    of = {short: f"container.{engine.name(short)}" for short in shorts}

    with watching(roster) as told:
        wait_until(lambda: all(told.last(source) for source in of.values()), "first readings")
        for short in ("exits", "again", "oom", "worker", "done"):
            engine.client.containers.get(engine.name(short)).exec_run("/bin/sh -c 'echo > /tmp/go'", detach=True)
        engine.client.containers.get(engine.name("stopped")).stop(timeout=0)
        engine.client.containers.get(engine.name("killed")).kill()
        engine.client.containers.get(engine.name("restarted")).restart(timeout=0)
        crashing = {of[short] for short in ("exits", "again", "oom", "worker")}
        wait_until(lambda: crashing <= {c.source for c in told.crashes}, "the crashes", 30)
        wait_until(lambda: told.last(of["restarted"])["restarts"] == 1.0, "a restart by hand is counted")
        wait_until(lambda: told.last(of["done"])["running"] == 0.0, "the end of a job")
        wait_until(lambda: told.last(of["killed"])["running"] == 0.0, "the end of a killed container")

    assert {c.source for c in told.crashes} == crashing
    seen = {c.source: c for c in told.crashes}
    assert len(told.crashes) == 4, [f"{c.t:.2f} {c.source} {c.text} (at {c.at})" for c in told.crashes]
    assert (seen[of["exits"]].what, seen[of["exits"]].exit_code) == ("exited", 3)
    assert (seen[of["again"]].what, seen[of["again"]].exit_code) == ("restarted", 4)
    assert (seen[of["oom"]].what, seen[of["oom"]].exit_code) == ("oom-killed", 137)
    assert (seen[of["worker"]].what, seen[of["worker"]].exit_code) == ("oom-killed", None)
    assert "its limit is 24 MiB" in seen[of["oom"]].text
    assert all(c.at is not None and 0 <= c.at <= c.t + 1 for c in told.crashes)
    assert told.last(of["worker"])["running"] == 1.0


def test_a_container_made_anew_goes_on_under_its_name_and_others_are_not_disturbed(
    engine: TestEngine, roster: ContainerRoster
) -> None:
    engine.run("stays", "sleep 60")
    engine.run("api", "sleep 60")
    stays, api = (f"container.{engine.name(short)}" for short in ("stays", "api"))

    with watching(roster) as told:
        wait_until(lambda: told.last(api).get("memory_bytes") and told.last(stays), "first readings")
        engine.client.containers.get(engine.name("api")).remove(force=True)
        wait_until(lambda: told.last(api)["running"] == 0.0, "that it is gone")
        engine.run("api", "sleep 60")
        engine.run("new", "sleep 60")
        wait_until(lambda: told.last(api)["running"] == 1.0, "that it is back")
        wait_until(lambda: told.last(api).get("memory_bytes"), "that it is measured again")
        wait_until(lambda: told.last(f"container.{engine.name('new')}").get("running"), "one that came during the run")

    assert told.last(api)["restarts"] == 1.0
    assert not told.crashes
    assert not [r for r in told.records if isinstance(r, Gap)]


def test_logs_since_the_start_and_states_are_collected_and_no_secret_is_among_them(
    engine: TestEngine, roster: ContainerRoster, tmp_path: Path
) -> None:
    wait = "while [ ! -e /tmp/go ]; do sleep 0.1; done; "
    shown = "echo connecting with correct-horse-battery; echo password=hunter2-hunter2; echo to stderr >&2; "
    # an engine cuts lines at 16 KiB: the secret lies across the cut
    long = "head -c 16376 /dev/zero | tr '\\0' x; echo ' password=across-the-cut'; "
    secrets = {
        "API_SECRET": "correct-horse-battery",
        "DATABASE_URL": "postgres://app:pg-pass-word@db/x",
        "MODE": "fast",
    }
    for short, tty in (("plain", False), ("terminal", True)):
        engine.run(short, f"echo from before the run; {wait}{shown}{long}sleep 60", tty=tty, environment=secrets)
    engine.run("silent", wait + "sleep 60")
    engine.run("unkept", "echo nobody hears me; sleep 60", log_config={"type": "none"})
    engine.run("removed", "sleep 60")
    engine.run("anew", "sleep 60")
    wait_until(lambda: b"before" in engine.client.containers.get(engine.name("terminal")).logs(), "the first line")
    clock = Clock.start()
    wait_until(lambda: clock.now_s() > 1.2, "the collection's margin")
    clock = Clock.start()

    def meanwhile() -> None:
        for short in ("plain", "terminal"):
            engine.client.containers.get(engine.name(short)).exec_run("/bin/sh -c 'echo > /tmp/go'", detach=True)
        engine.client.containers.get(engine.name("removed")).remove(force=True)
        engine.client.containers.get(engine.name("anew")).remove(force=True)
        engine.run("anew", "echo I am new; exit 5").wait(timeout=10)
        for short in ("plain", "terminal"):
            container = engine.client.containers.get(engine.name(short))
            wait_until(lambda container=container: b"across-the-cut" in container.logs(), "the last line")

    found = collected(roster, tmp_path, clock, meanwhile)

    for short in ("plain", "terminal"):
        log = text_of(tmp_path, found, f"container.{engine.name(short)}", "log")
        lines = [line.partition("Z ")[2] for line in log.splitlines()]
        assert "from before" not in log
        lines.remove("to stderr")  # wherever: the engine copies the two streams side by side
        assert lines[:2] == ["connecting with [redacted]", "password=[redacted]"]
        assert "x" * 16376 + " password=[redacted]" in lines
    state = json.loads(text_of(tmp_path, found, f"container.{engine.name('anew')}", "state"))
    assert (state["exit_code"], state["status"], state["oom_killed"]) == (5, "exited", False)
    assert {"action": "die", "exit_code": 5}.items() <= state["events"][-1].items()
    own = f"container.{engine.prefix}-"
    reasons = {(m.source.removeprefix(own), m.what.partition(" ")[0]): m.reason for m in found.missing}
    assert set(reasons) == {("unkept", "log"), ("removed", "log"), ("removed", "state"), ("anew", "log")}
    assert "logging driver is 'none'" in reasons["unkept", "log"]
    assert "removed during the run" in reasons["removed", "log"]
    assert "made anew" in reasons["anew", "log"]
    everything = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert not [
        s for s in ("correct-horse", "hunter2", "pg-pass-word", "across-the-cut", "DATABASE_URL") if s in everything
    ]


def test_a_log_of_many_lines_keeps_its_first_and_its_last(
    engine: TestEngine, roster: ContainerRoster, tmp_path: Path
) -> None:
    engine.run("chatty", "seq 1 120000").wait(timeout=60)

    found = collected(roster, tmp_path, Clock(boot_s() - 60, Clock.start().utc(-60)))

    log = text_of(tmp_path, found, f"container.{engine.name('chatty')}", "log").splitlines()
    numbers = [int(line.split()[1]) for line in log if line[0].isdigit()]
    [mark] = [index for index, line in enumerate(log) if line.startswith("[...")]
    assert (numbers[0], numbers[-1]) == (1, 120_000)
    assert numbers == sorted(set(numbers))
    assert "left out by gameday" in log[mark]
    assert 1000 < mark < len(log) - 1000
    assert sum(map(len, log)) < 5 << 20
    assert [f.truncated for f in found.files if f.what == "log"] == [True]


def test_names_and_labels_choose_and_what_matches_nothing_is_suggested(engine: TestEngine) -> None:
    engine.run("one", "sleep 60", labels={"com.docker.compose.service": "api", "tier": "front"})
    engine.run("two", "sleep 60", labels={"com.docker.compose.service": "db"})
    engine.run("three", "exit 0", labels={"com.docker.compose.service": "job", "com.docker.compose.oneoff": "True"})

    def shorts(*names: str, **labels: str) -> list[str]:
        choice = ContainerChoice(names, {**engine.labels, **labels}, engine.host)
        return [member.short for member, _ in look_at_containers(choice, ALLOW, 10).found]

    assert shorts() == ["api", "db"]
    assert shorts(tier="front") == ["api"]
    assert shorts(tier="") == ["api"]
    assert shorts("db") == ["db"]
    assert shorts(engine.name("two"), "api") == ["api", "db"]
    assert shorts(engine.name("three")) == ["job"]
    assert shorts("dbb") == []
    assert "db" in look_at_containers(ContainerChoice(("dbb",), {}, engine.host), ALLOW, 10).others


def test_a_game_day_sees_its_platform_s_container_crash_and_keeps_its_log(engine: TestEngine, tmp_path: Path) -> None:
    script = (
        "echo ready; httpd -p 80 -h /www; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo 'FATAL: no more'; exit 7"
    )
    web = engine.run("web", script, ports={"80/tcp": ("127.0.0.1", None)}, labels={"com.docker.compose.service": "web"})
    web.reload()
    port = web.ports["80/tcp"][0]["HostPort"]
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    target = {
        "environment": "practice",
        "base_url": f"http://127.0.0.1:{port}",
        "allow": ["127.0.0.0/8"],
        "containers": {"labels": engine.labels, "engine": engine.host},
    }
    book = {
        "title": "A container that crashes",
        "hypothesis": "Nothing crashes.",
        "load": {"locustfile": "locustfile.py", "users": 2, "spawn_rate": 2},
        "phases": {"warm_up": "1s", "baseline": "30s", "recovery": "1s"},
        "service_levels": [
            {"name": "no crash", "crashes": "none"},
            {"name": "memory", "reading": "container.web.memory", "max": "99%"},
        ],
        "stop_when": [{"condition": "reading", "of": "container.web.running", "below": 1, "over": "1s"}],
    }
    (tmp_path / "target.yaml").write_text(yaml.safe_dump(target))
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(book))
    run = GameDayProcess(tmp_path, "run", "book.yaml", "--target", "target.yaml")
    try:
        wait_until(lambda: run.process.poll() is not None or '"name":"baseline"' in journal(run), "the baseline", 60)
        web.exec_run("/bin/sh -c 'echo > /tmp/go'", detach=True)
        code = run.end()
    finally:
        run.kill()

    assert code == 11, run.output
    assert run.result["stop"]["source"] == "condition"
    levels = {level["name"]: level["met"] for level in run.result["service_levels"]}
    assert levels["no crash"] is False
    assert run.result["evidence"]["complete"], run.result["evidence"]
    manifest = json.loads((run.folder / "evidence" / "manifest.json").read_text())
    [log] = [f["path"] for f in manifest["files"] if f["source"] == "container.web" and f["what"] == "log"]
    assert "FATAL: no more" in (run.folder / log).read_text()
    assert "exit code 7" in (run.folder / "report.md").read_text()
