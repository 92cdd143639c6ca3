"""What counts as proven: measured, and never for want of a measurement."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from faults.catalog import build
from faults.containers import proof
from faults.containers.fault import ContainerFault
from faults.containers.group import ContainerGroup
from faults.containers.knock import PublishedPort, published_port
from faults.containers.usage import Counters, Usage, between
from faults.fault import FaultPlan
from faults.observation import Observation
from harness.clock import utc_now
from harness.errors import ReachFailed
from harness.journal.histogram import bucket_of
from harness.journal.record import RequestStats
from harness.reach.allow_list import AllowList

Plan = Callable[..., FaultPlan]
COUNTERS = Counters(utc_now(), 10.0, 100, 10, 5000, 20 << 20, 64 << 20)
BUSY = Usage(1.0, 0.4, 0, 0, 20_000.0, COUNTERS)


@pytest.fixture
def fault(
    engine: Any, group: ContainerGroup, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ContainerFault]:
    """A fault on a container `web` that used `before` and uses `during`, injected."""

    def begin(kind: str, before: Usage | None = BUSY, during: Usage | None = BUSY, **params: Any) -> ContainerFault:
        engine.add("web", NanoCpus=800_000_000, Memory=256 << 20, MemorySwap=512 << 20)
        monkeypatch.setattr("faults.containers.fault.measure", lambda *_: before)
        monkeypatch.setattr(proof, "measure", lambda *_: during)
        made = build(plan(kind, "web", **params), group, "run")
        assert isinstance(made, ContainerFault)
        made.prepare()
        made.inject()
        return made

    return begin


def test_a_pause_is_proven_by_cpu_time_that_stands_still(fault: Any) -> None:
    effect = fault("container-pause", during=replace(BUSY, cpus=0.0)).prove_wire()

    assert effect.effective is True
    assert effect.measured.text == "web is paused: 0.0 ms of CPU in 1.0 s (400 ms a second before)"


def test_a_pause_under_which_the_container_works_is_none(fault: Any) -> None:
    assert fault("container-pause", during=BUSY).prove_wire().effective is False


def test_a_pause_that_nobody_could_measure_is_unknown(fault: Any) -> None:
    assert fault("container-pause", during=None).prove_wire().effective is None


@pytest.mark.parametrize("kind", ["container-pause", "container-stop", "container-network", "container-restart"])
def test_an_engine_that_said_yes_and_did_nothing_is_not_believed(engine: Any, fault: Any, kind: str) -> None:
    engine.deaf = {"pause", "stop", "disconnect", "restart"}

    assert fault(kind).prove_wire().effective is False


def test_a_kill_names_the_exit_that_was_seen(engine: Any, fault: Any) -> None:
    killed = fault("container-kill")
    engine.tell("web", "die", 0.0, exit_code=137)

    effect = killed.prove_wire()

    assert (effect.effective, effect.measured.values) == (True, {"exit_code": 137.0})
    assert effect.measured.text == "web has ended with exit code 137"


def test_a_container_that_survives_its_signal_is_said_to(engine: Any, fault: Any) -> None:
    engine.deaf = {"kill"}

    effect = fault("container-kill", signal="SIGTERM").prove_wire()

    assert (effect.effective, effect.measured.text) == (False, "web still runs: it survived SIGTERM")


def test_a_killed_container_that_is_started_again_was_killed_and_a_stopped_one_is_not_stopped(
    engine: Any, fault: Any
) -> None:
    killed = fault("container-kill")
    engine.restart_by_hand("web")
    effect = killed.prove_wire()
    assert effect.effective is True
    assert "its orchestrator started it again" in effect.measured.text

    engine.containers.clear()
    stopped = fault("container-stop")
    engine.restart_by_hand("web")
    assert stopped.prove_wire().effective is False


@pytest.mark.parametrize(
    ("during", "effective"),
    [
        (Usage(1.0, 0.2, 10, 10, 0.0, COUNTERS), True),
        (Usage(1.0, 0.05, 4, 0, 0.0, COUNTERS), True),
        (Usage(1.0, 0.7, 10, 0, 0.0, COUNTERS), False),
        (Usage(1.0, 0.0, 0, 0, 0.0, COUNTERS), None),
        (None, None),
    ],
)
def test_a_limit_on_cpu_is_proven_by_what_the_kernel_counts(
    fault: Any, during: Usage | None, effective: bool | None
) -> None:
    assert fault("container-cpu", during=during, limit="25%").prove_wire().effective is effective


def test_a_limit_on_memory_is_the_kernel_s_own(engine: Any, fault: Any) -> None:
    limited = fault("container-memory", limit="64MiB")
    effect = limited.prove_wire()
    assert effect.effective is True
    assert effect.measured.text == "web uses 20 MiB of 64 MiB, by the kernel's own count"

    engine.stats = lambda *_: {"read": "2026-11-22T15:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}},
                               "memory_stats": {"usage": 1, "limit": 256 << 20}}  # fmt: skip
    assert limited.prove_wire().effective is False


def observed(*, failed: int = 0) -> Observation:
    stats = RequestStats(requests=200, failures={"http": failed} if failed else {}, histogram={bucket_of(20.0): 200})
    return Observation(0.0, 10.0, {"GET /": stats})


def test_a_platform_that_takes_over_has_felt_it_where_the_container_carried_its_share(fault: Any) -> None:
    paused = fault("container-pause", during=replace(BUSY, cpus=0.0))
    assert paused.prove_platform(observed(), observed()).effective is False  # not on the wire yet

    paused.prove_wire()
    effect = paused.prove_platform(observed(), observed())

    assert effect.effective is True
    assert "the platform goes on all the same: web sent 20.0 KB/s before, and nothing now" in effect.measured.text


@pytest.mark.parametrize("before", [None, replace(BUSY, sent_bytes_per_s=200.0)])
def test_a_container_that_carried_nothing_proves_nothing_at_the_platform(fault: Any, before: Usage | None) -> None:
    paused = fault("container-pause", before=before, during=replace(BUSY, cpus=0.0))
    paused.prove_wire()

    assert paused.prove_platform(observed(), observed()).effective is False
    assert paused.prove_platform(observed(), observed(failed=100)).effective is True


def test_a_container_that_is_held_back_has_felt_it(fault: Any) -> None:
    limited = fault("container-cpu", during=Usage(1.0, 0.2, 10, 6, 0.0, COUNTERS), limit="25%")
    limited.prove_wire()

    effect = limited.prove_platform(observed(), observed())

    assert effect.effective is True
    assert "held back in 60% of its periods" in effect.measured.text


def test_an_engine_that_fails_while_it_is_prepared_leaves_no_fault(engine: Any, group: Any, plan: Plan) -> None:
    engine.add("web")
    engine.broken = {"facts": ReachFailed("the engine refused: busy", where=engine.where)}

    with pytest.raises(ReachFailed, match="busy"):
        build(plan("container-pause", "web"), group, "run").prepare()
    assert engine.calls == []


def test_usage_is_what_was_counted_between_two_looks() -> None:
    later = replace(
        COUNTERS, at=COUNTERS.at + timedelta(seconds=2), cpu_s=10.5, periods=120, throttled=15, sent_bytes=9000
    )

    usage = between(COUNTERS, later)

    assert (usage.seconds, usage.cpus, usage.periods, usage.throttled) == (2.0, 0.25, 20, 5)
    assert (usage.sent_bytes_per_s, usage.throttled_share) == (2000.0, 0.25)


@pytest.mark.parametrize(
    "stats",
    [{}, {"read": "0001-01-01T00:00:00Z"}, {"read": "x", "cpu_stats": {}}, {"read": None, "cpu_stats": None},
     {"read": "2026-11-22T15:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": "much"}}}],
)  # fmt: skip
def test_an_engine_that_measures_nothing_sound_has_measured_nothing(stats: Any) -> None:
    assert Counters.of(stats) is None


ALLOW = AllowList(["127.0.0.0/8", "10.0.0.0/8"])


@pytest.mark.parametrize(
    ("engine_at", "bound", "seen"),
    [
        ("unix:///var/run/docker.sock", "0.0.0.0", "127.0.0.1:80"),
        ("unix:///var/run/docker.sock", "", "127.0.0.1:80"),
        ("unix:///var/run/docker.sock", "127.0.0.2", "127.0.0.2:80"),
        ("unix:///var/run/docker.sock", "192.0.2.1", "None"),  # outside the allow list
        ("tcp://10.0.0.5:2375", "0.0.0.0", "10.0.0.5:80"),
        ("tcp://10.0.0.5:2375", "127.0.0.1", "None"),  # of the engine's machine
        ("tcp://10.0.0.5:2375", "10.0.0.6", "10.0.0.6:80"),
    ],
)
def test_a_published_port_is_looked_for_where_this_machine_reaches_it(engine_at: str, bound: str, seen: str) -> None:
    ports = {"53/udp": [{"HostIp": "", "HostPort": "53"}], "80/tcp": [{"HostIp": bound, "HostPort": "80"}]}

    assert str(published_port({"NetworkSettings": {"Ports": ports}}, engine_at, ALLOW)) == seen
    assert published_port({"NetworkSettings": {"Ports": {"80/tcp": None}}}, engine_at, ALLOW) is None


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_knock_tells_an_answer_a_close_a_silence_and_a_refusal_apart(server: socket.socket) -> None:
    port = PublishedPort("127.0.0.1", server.getsockname()[1])
    said: list[bytes] = [b"HTTP/1.0 400", b""]

    def serve() -> None:
        for answer in said:
            link, _ = server.accept()
            with link:
                link.recv(100)
                link.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert port.knock(5.0) == "answers"
    assert port.knock(5.0) == "closes"
    thread.join(5)
    assert port.knock(0.2) == "silent"
    server.close()
    assert port.knock(5.0) == "refused"
