"""The door to an engine that freezes, refuses, talks nonsense or is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from engine import silent_engine, wait_until

from harness.clock import Clock, Deadline, boot_s
from harness.errors import NotAllowed, ReachFailed, ReachTimeout
from harness.evidence.bundle import Bundle
from harness.evidence.collector import LogCollector
from harness.evidence.container_collection import ContainerCollection
from harness.journal.record import Gap, Record
from harness.monitor.container_watch import ContainerWatch
from harness.reach.allow_list import AllowList
from harness.reach.container_roster import ContainerChoice, ContainerRoster
from harness.reach.docker import DockerDoor
from harness.redaction import Redactor

ALLOW = AllowList(["127.0.0.0/8"])


def answer(body: object, status: str = "200 OK") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n"
    )
    return head.encode() + b"\r\n" + data


def hello(api: str = "1.41") -> bytes:
    return answer({"Version": "20.10", "ApiVersion": api})


def door_to(host: str) -> DockerDoor:
    return DockerDoor(host, allow=ALLOW, timeout_s=1, environment={})


def read_log(door: DockerDoor) -> None:
    since = Clock.start().started_at
    door.read_log("x", since=since, tail=1, take=lambda _: True, deadline=Deadline.after(1))


CALLS: dict[str, Callable[[DockerDoor], object]] = {
    "facts": lambda door: door.facts(Deadline.after(5)),
    "list": lambda door: door.list(Deadline.after(5)),
    "inspect": lambda door: door.inspect("x", Deadline.after(5)),
    "stats": lambda door: door.stats("x", Deadline.after(5)),
    "events": lambda door: door.events(Clock.start().started_at, Clock.start().started_at, Deadline.after(5)),
    "log": read_log,
}


@pytest.mark.parametrize("call", ["mute", *CALLS])
def test_a_frozen_engine_costs_no_more_than_the_door_s_timeout(tmp_path: Path, call: str) -> None:
    with silent_engine(tmp_path / "e.sock", [] if call == "mute" else [hello()]) as host:
        door, begun = door_to(host), boot_s()
        with pytest.raises(ReachTimeout, match="overloaded or frozen"):
            CALLS.get(call, CALLS["list"])(door)
        assert boot_s() - begun < 6
        door.close()


def test_a_log_that_drips_ends_at_its_deadline(tmp_path: Path) -> None:
    drip = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    with silent_engine(tmp_path / "e.sock", [hello(), drip]) as host:
        door, begun = door_to(host), boot_s()
        with pytest.raises(ReachTimeout):
            read_log(door)
        assert boot_s() - begun < 6
        door.close()


@pytest.mark.parametrize(
    ("host", "error", "said"),
    [
        ("unix:///nowhere/engine.sock", ReachFailed, "is Docker installed and running"),
        ("tcp://10.1.2.3:2375", NotAllowed, "outside the target's allow list"),
        ("tcp://127.0.0.1:9", ReachFailed, "does the engine listen on this address"),
        ("tcp://127.0.0.1", ReachFailed, "write tcp://host:port"),
        ("ssh://deploy@app-1", ReachFailed, "forward its socket"),
        ("npipe:////./pipe/docker", ReachFailed, "is no engine's address"),
    ],
)
def test_an_engine_that_can_t_be_reached_is_said_with_its_mend(host: str, error: type[ReachFailed], said: str) -> None:
    with pytest.raises(error, match=said):
        door_to(host).facts(Deadline.after(5))


def test_a_socket_that_nobody_listens_on_says_so(tmp_path: Path) -> None:
    with silent_engine(tmp_path / "e.sock") as host:
        pass

    with pytest.raises(ReachFailed, match="is Docker running"):
        door_to(host).facts(Deadline.after(5))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([hello("1.12")], "too old"),
        ([answer({"hello": "world"})], "ApiVersion"),
        ([answer(b"<html>", "200 OK")], "Expecting value"),
        ([answer({"message": "no"}, "403 Forbidden")], "403"),
        ([hello(), answer({"message": "Forbidden by the proxy"}, "403 Forbidden")], "refused: Forbidden by the proxy"),
        ([hello(), answer({"message": "out of order"}, "500 Internal Server Error")], "refused: out of order"),
        ([hello(), answer([{"no": "container"}])], "can't be read"),
    ],
)
def test_what_is_no_engine_or_says_no_is_an_error_of_ours(tmp_path: Path, answers: list[bytes], said: str) -> None:
    with silent_engine(tmp_path / "e.sock", answers) as host:
        door = door_to(host)
        with pytest.raises(ReachFailed, match=said):
            door.list(Deadline.after(5))
        door.close()


def test_a_container_that_is_gone_is_none(tmp_path: Path) -> None:
    gone = answer({"message": "No such container: x"}, "404 Not Found")
    with silent_engine(tmp_path / "e.sock", [hello(), gone, gone, gone]) as host:
        door = door_to(host)
        assert door.inspect("x", Deadline.after(5)) is None
        assert door.stats("x", Deadline.after(5)) is None
        with pytest.raises(ReachFailed, match="no such container"):
            read_log(door)
        door.close()


def test_the_environment_s_proxies_do_not_stand_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with silent_engine(tmp_path / "e.sock", [hello(), answer([])]) as host:
        door = door_to(host)
        assert door.list(Deadline.after(5)) == ()
        door.close()


def test_docker_host_counts_where_the_target_says_nothing(tmp_path: Path) -> None:
    assert DockerDoor("", allow=ALLOW, environment={"DOCKER_HOST": "tcp://127.0.0.1:1"}).where == "tcp://127.0.0.1:1"
    assert DockerDoor("", allow=ALLOW, environment={}).where == "unix:///var/run/docker.sock"
    assert DockerDoor("unix:///a", allow=ALLOW, environment={"DOCKER_HOST": "tcp://x:1"}).where == "unix:///a"


def test_a_frozen_engine_is_a_gap_for_the_watch_and_missing_for_the_evidence(tmp_path: Path) -> None:
    told: list[Record] = []
    clock = Clock.start()
    with silent_engine(tmp_path / "e.sock") as host:
        roster = ContainerRoster(ContainerChoice(("api",), {}, host), door_to(host))
        watch = ContainerWatch(roster, told.append, clock)
        watch.start()
        wait_until(lambda: told, "that nobody answers")
        collector = LogCollector([], [ContainerCollection(roster, clock)])
        assert collector.remember(Deadline.after(2)) == ()
        bundle = Bundle(tmp_path / "run", Redactor())
        collector.collect(bundle, 4)
        assert watch.stop(10)
        found = bundle.finish()

    assert isinstance(told[0], Gap)
    assert (told[0].source, "no answer within" in told[0].reason) == ("containers", True)
    assert {(m.source, m.what) for m in found.missing} == {("containers", "log"), ("containers", "state")}
