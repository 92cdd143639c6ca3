"""Our side of the lease, with a keeper that says what the test wants."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from faults.catalog import KINDS, build
from faults.fault import FaultPlan
from faults.lease.lease import Lease, Watch, look
from faults.undo import ToxicUndo
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.journal.lease_record import LeaseKept

READY = {"ready": "127.0.0.1:8474", "here": True, "python": "3.11.2", "pid": 7, "folder": "/tmp/k"}
WATCH = Watch("r1", "127.0.0.1", 8474)
UNDO = ToxicUndo(
    fault_id="f1", api_url="http://10.0.0.5:8474", proxy="pg", listen="a:1", upstream="b:2", enabled=True, toxic="t"
)
SOON_S = 10.0


class Stream:
    """Answers the program with `first`, and each heartbeat with an acknowledgement while `acks`."""

    def __init__(self, first: dict[str, object] | None = None) -> None:
        self.said: queue.Queue[bytes | None] = queue.Queue()
        self.beats: list[dict[str, Any]] = []
        self.done = False
        self.closed = False
        self.acks = True
        self._first = READY if first is None else first

    def open(self, command: str, deadline: Deadline) -> Stream:
        assert "python3" in command
        return self

    def says(self, **message: object) -> None:
        self.said.put(json.dumps(message).encode())

    def send(self, data: bytes, deadline: Deadline) -> None:
        message = json.loads(data.splitlines()[-1])
        if "lease_s" in message:
            self.says(**self._first)
        elif message.get("done"):
            self.done = True
            self.said.put(None)
        else:
            self.beats.append(message)
            if self.acks:
                self.says(ack=message["beat"])

    def read_line(self, timeout_s: float) -> bytes | None:
        try:
            line = self.said.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if line is None:
            raise ReachFailed("the command ended")
        return line

    def close(self) -> None:
        self.closed = True
        self.said.put(None)


def wait_for(happened: Callable[[], object]) -> None:
    deadline, pause = Deadline.after(SOON_S), threading.Event()
    while not happened():
        assert not deadline.passed, "it did not happen in time"
        pause.wait(0.01)


@pytest.fixture
def told() -> list[LeaseKept]:
    return []


def start(stream: Stream, told: list[LeaseKept]) -> Lease:
    return Lease.start(stream.open, WATCH, "app-1", told.append, Deadline.after(5))


def test_a_record_is_held_before_it_is_used_and_released_after(told: list[LeaseKept]) -> None:
    stream = Stream()
    lease = start(stream, told)
    lease.hold(UNDO)
    assert stream.beats[-1]["undos"] == [
        {"id": "f1", "toxic": "t", "proxy": "pg", "listen": "a:1", "upstream": "b:2", "enabled": True}
    ]
    assert lease.release("f1") == ""
    wait_for(lambda: stream.beats[-1]["undos"] == [])
    lease.close()
    lease.close()
    assert stream.done
    assert [record.state for record in told] == ["stands", "ended"]


def test_without_an_acknowledgement_there_is_no_injection(toxiproxy: Any, wire: Any, told: list[LeaseKept]) -> None:
    stream = Stream()
    lease = start(stream, told)
    stream.acks = False
    params = KINDS["latency"].params.model_validate({"latency": "50ms"})
    fault = build(FaultPlan("f1", "slow", "latency", "pg", params, 0.0, 5.0), replace(wire, lease=lease), "r")
    fault.prepare()
    with pytest.raises(ReachFailed, match="the lease keeper on app-1"):
        fault.inject()
    assert toxiproxy.toxics() == []
    lease.close()


def test_a_keeper_that_falls_silent_is_lost(told: list[LeaseKept]) -> None:
    stream = Stream()
    lease = start(stream, told)
    stream.acks = False
    wait_for(lambda: lease.lost)
    assert lease.lost == "the lease keeper on app-1 has not answered for 3 s"
    assert told[-1].state == "lost"
    with pytest.raises(ReachFailed, match="has not answered"):
        lease.hold(UNDO)
    lease.close()


def test_a_keeper_that_ends_is_lost(told: list[LeaseKept]) -> None:
    stream = Stream()
    lease = start(stream, told)
    stream.said.put(None)
    wait_for(lambda: lease.lost)
    assert lease.lost == "the lease keeper on app-1 ended (the command ended)"
    lease.close()


def test_a_keeper_that_was_faster_is_named(toxiproxy: Any, wire: Any, told: list[LeaseKept]) -> None:
    stream = Stream()
    lease = start(stream, told)
    params = KINDS["latency"].params.model_validate({"latency": "50ms"})
    fault = build(FaultPlan("f1", "slow", "latency", "pg", params, 0.0, 5.0), replace(wire, lease=lease), "r")
    fault.prepare()
    fault.inject()
    stream.says(over="no heartbeat for 3 s", open=["f1"])
    stream.says(healed="f1", rung="delete")
    toxiproxy.proxies["pg"]["toxics"].clear()
    wait_for(lambda: lease._healed)
    assert lease.lost == "the lease keeper on app-1 takes off by itself what is injected: no heartbeat for 3 s"
    healed = fault.heal(Deadline.after(3))
    assert (healed.rung, healed.by_keeper) == ("absent", True)
    assert healed.note == "the lease keeper on app-1 had taken it off already (delete)"
    lease.close()


def test_what_can_t_be_healed_from_here_is_promised_by_the_keeper(
    toxiproxy: Any, wire: Any, told: list[LeaseKept]
) -> None:
    stream = Stream()
    lease = start(stream, told)
    params = KINDS["down"].params()
    fault = build(FaultPlan("f1", "down", "down", "pg", params, 0.0, 5.0), replace(wire, lease=lease), "r")
    fault.prepare()
    fault.inject()
    toxiproxy.hangs = lambda _: True
    with pytest.raises(NotHealed, match="the lease keeper on app-1 takes it off by itself, 3 s after"):
        fault.heal(Deadline.after(3))
    lease.close()
    assert not stream.done, "what is still open is left to it"
    assert told[-1] == LeaseKept(t=told[-1].t, host="app-1", state="left", detail="it takes off by itself: f1")


@pytest.mark.parametrize(
    ("first", "what"),
    [
        ({"error": "127.0.0.1:8474: refused"}, "can't reach Toxiproxy's API: 127.0.0.1:8474: refused"),
        ({"welcome": "to this host"}, "it said"),
    ],
)
def test_a_keeper_that_can_t_stand_says_why(first: dict[str, object], what: str, told: list[LeaseKept]) -> None:
    stream = Stream(first)
    with pytest.raises(ReachFailed, match=what):
        start(stream, told)
    assert stream.closed
    assert told == []


def test_a_host_without_python_is_told_both_ways_out() -> None:
    stream = Stream()
    stream.said.put(None)
    with pytest.raises(ReachFailed) as failure:
        look(stream.open, WATCH, Deadline.after(5))
    assert failure.value.mend == "install python3 there, or play without a keeper: --no-lease"
