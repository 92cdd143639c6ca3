"""A Docker Engine, or what stands in front of one, answering anything: each look at containers either understands or
says ReachFailed, and healing either heals or says NotHealed with what to type."""

# ruff: noqa: PT017 - a call may go well or fail, and how it fails is what is looked at

from __future__ import annotations

import contextlib
import copy
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoilt_http import SpoiltHttp, serving, whole

from faults import healing
from faults.containers.found import FoundContainer
from faults.containers.undo import ContainersUndo
from faults.containers.usage import Counters, between
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.monitor.container_crash import Coroner, crash_of, deaths_between
from harness.monitor.container_usage import Usage
from harness.reach import container_shape
from harness.reach.allow_list import AllowList
from harness.reach.container_facts import ContainerEvent, ContainerState
from harness.reach.container_writer import ContainerWriter

LOOPBACK = AllowList(["127.0.0.0/8"])
ID = "a" * 64
AT = "2026-11-22T15:00:01.5Z"
INSPECTED: dict[str, Any] = {
    "Id": ID,
    "Name": "/web",
    "Image": "sha256:1",
    "RestartCount": 0,
    "State": {
        "Status": "running",
        "Running": True,
        "StartedAt": AT,
        "FinishedAt": AT,
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "Health": {"Status": "healthy", "FailingStreak": 0, "Log": [{"End": AT, "ExitCode": 0, "Output": "ok"}]},
    },
    "Config": {"Image": "shop", "Labels": {"a": "b"}, "Env": ["A=b"], "Tty": False},
    "HostConfig": {
        "NetworkMode": "shop",
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "NanoCpus": 10**9,
        "CpuQuota": 0,
        "CpuPeriod": 0,
        "CpusetCpus": "0-1",
        "Memory": 1 << 28,
        "MemorySwap": 1 << 29,
        "MemoryReservation": 0,
        "LogConfig": {"Type": "json-file"},
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
    },
    "NetworkSettings": {
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
        "Networks": {
            "shop": {
                "NetworkID": "n1",
                "Aliases": ["web"],
                "Links": None,
                "IPAMConfig": {},
                "DriverOpts": None,
                "GwPriority": 0,
                "IPAddress": "172.18.0.2",
            }
        },
    },
}
STATS: dict[str, Any] = {
    "read": AT,
    "cpu_stats": {
        "cpu_usage": {"total_usage": 10**9, "percpu_usage": [1]},
        "online_cpus": 2,
        "throttling_data": {"periods": 1, "throttled_periods": 0},
    },
    "memory_stats": {"usage": 1 << 20, "limit": 1 << 21, "stats": {"inactive_file": 4096}},
    "pids_stats": {"current": 3},
    "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 10}]},
}
EVENT = {
    "Type": "container",
    "Action": "die",
    "timeNano": 1_790_000_000_000_000_000,
    "Actor": {"ID": ID, "Attributes": {"name": "web", "exitCode": "137", "signal": "9"}},
}
LISTED = [
    {
        "Id": ID,
        "Names": ["/web", "/db/web"],
        "State": "running",
        "Labels": {"com.docker.compose.service": "web"},
        "HostConfig": {"NetworkMode": "shop"},
    }
]
VERSION = {"Version": "27.0", "ApiVersion": "1.47", "MinAPIVersion": "1.24"}
INFO = {"SystemTime": AT, "NCPU": 4}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.just(10**400),
    st.just(-1),
    st.sampled_from([[], {}, [[]], [None], {"a": None}, "", "nan", "3-", "2026-01-01T00:00:00", "9" * 5000]),
)


def _places(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict | list) and tree:
        yield tree
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _places(inner)


@st.composite
def spoilt(draw: st.DrawFn, sound: Any) -> Any:
    """What an engine says, but for one to three values or keys."""
    if draw(st.integers(0, 9)) == 0:
        return copy.deepcopy(draw(ODD))
    tree = copy.deepcopy(sound)
    for _ in range(draw(st.integers(0, 3))):
        places = list(_places(tree))
        if not places:
            break
        place = draw(st.sampled_from(places))
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        if draw(st.integers(0, 3)):
            place[key] = copy.deepcopy(draw(ODD))
        else:
            place.pop(key)
    return tree


@given(before=spoilt(INSPECTED), now=spoilt(INSPECTED), events=st.lists(spoilt(EVENT), max_size=3))
def test_what_an_engine_says_of_containers_is_understood_or_is_no_container(before: Any, now: Any, events: Any) -> None:
    states, happened = [], []
    for said in (before, now):
        # these are what the door maps, whatever they are
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            states.append(ContainerState.of(said))
        with contextlib.suppress(ValueError):
            container_shape.inspected(said)
            found = FoundContainer.of(said)
            assert found.differences(found) == ()
            assert found.said_cpus
            assert found.said_memory
    for event in events:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            happened.append(ContainerEvent.of(event))
    pair = (states[0] if states else None, states[-1] if len(states) > 1 else None)
    for death in (*deaths_between(*pair), *Coroner().deaths(happened)):
        crash_of("web", death, *pair)


@given(first=spoilt(STATS), second=spoilt(STATS))
def test_what_an_engine_measures_is_numbers_or_nothing(first: Any, second: Any) -> None:
    measured, counted = [], []
    for stats in (first, second):
        if isinstance(stats, dict):  # the door hands over nothing else
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
                usage = Usage.of(stats)
                measured += [usage] if usage is not None else []
            counters = Counters.of(stats)
            counted += [counters] if counters is not None else []
    if len(measured) == 2:
        values = {**measured[0].levels(), **measured[1].rates_since(measured[0], None)}
        assert all(isinstance(value, float) for value in values.values())
    if len(counted) == 2:
        assert math.isfinite(between(*counted).seconds)


@pytest.fixture(scope="module")
def server() -> Iterator[SpoiltHttp]:
    with serving() as server:
        yield server


def _engine(answers: dict[str, Any], statuses: dict[str, int]) -> Any:
    def answer(verb: str, path: list[str], body: object) -> tuple[int, object]:
        what = next((word for word in answers if word in "/".join(path)), "post")
        return statuses.get(what, 200), answers.get(what)

    return answer


ANSWERS = st.fixed_dictionaries(
    {
        "version": st.just(VERSION) | st.just(VERSION) | spoilt(VERSION),
        "info": spoilt(INFO),
        "stats": spoilt(STATS),
        "events": spoilt(EVENT),
        "containers/json": spoilt(LISTED),
        f"{ID}/json": spoilt(INSPECTED),
        "web/json": spoilt(INSPECTED),
    }
)
STATUSES = st.dictionaries(
    st.sampled_from(["version", "info", "stats", "post", f"{ID}/json", "containers/json"]),
    st.sampled_from([200, 204, 302, 304, 400, 404, 409, 500, 503]),
    max_size=2,
)
READS = {
    "facts": lambda door: door.facts(Deadline.after(5)),
    "time": lambda door: door.system_time(Deadline.after(5)),
    "list": lambda door: door.list(Deadline.after(5)),
    "listed": lambda door: door.listed(Deadline.after(5)),
    "inspect": lambda door: door.inspect(ID, Deadline.after(5)),
    "attributes": lambda door: door.attributes(ID, Deadline.after(5)),
    "stats": lambda door: door.stats(ID, Deadline.after(5)),
    "cpus": lambda door: door.machine_cpus(Deadline.after(5)),
    "events": lambda door: door.events(datetime.now(UTC), datetime.now(UTC), Deadline.after(5)),
    "pause": lambda door: door.pause(ID, Deadline.after(5)),
}


@given(read=st.sampled_from(sorted(READS)), answers=ANSWERS, statuses=STATUSES)
def test_the_door_to_an_engine_fails_in_its_own_words_only(
    server: SpoiltHttp, read: str, answers: dict[str, Any], statuses: dict[str, int]
) -> None:
    server.play([], _engine(answers, statuses))
    door = ContainerWriter(server.url.replace("http", "tcp"), allow=LOOPBACK, timeout_s=10.0)
    with contextlib.closing(door), contextlib.suppress(ReachFailed):
        READS[read](door)


@given(
    kind=st.sampled_from(
        ["container-pause", "container-stop", "container-network", "container-cpu", "container-memory"]
    ),
    answers=ANSWERS,
    statuses=STATUSES,
)
def test_a_container_is_healed_or_a_person_hears_what_to_type(
    server: SpoiltHttp, kind: str, answers: dict[str, Any], statuses: dict[str, int]
) -> None:
    server.play([], _engine(answers, statuses))
    engine = server.url.replace("http", "tcp")
    undo = ContainersUndo(
        fault_id="f1",
        engine=engine,
        kind=kind,
        containers=(FoundContainer.of(INSPECTED),),
        cut=("n1",),
        settle_s=0.0,
        since=AT,
        ahead_s=0.0,
    )
    try:
        healing.heal(undo, deadline=Deadline.after(0.2), allow=LOOPBACK)
    except NotHealed as error:
        assert error.mend.startswith("docker -H")
        assert "\n" not in error.mend


def test_bytes_that_are_no_http_are_no_engine(server: SpoiltHttp) -> None:
    for raw in (b"", b"SSH-2.0-x\r\n", whole(200, b"[" * 100_000), whole(200, json.dumps(10**400).encode())):
        server.play([], lambda *_: (200, {}))
        server.answer = lambda *_, raw=raw: raw
        door = ContainerWriter(server.url.replace("http", "tcp"), allow=LOOPBACK, timeout_s=10.0)
        with contextlib.closing(door), pytest.raises(ReachFailed):
            door.facts(Deadline.after(5))
    del server.answer
