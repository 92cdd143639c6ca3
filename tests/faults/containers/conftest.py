"""A Docker Engine made by hand: containers as `inspect` shows them, and what is asked of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faults.catalog import KINDS
from faults.containers.group import ContainerGroup
from faults.fault import FaultPlan
from harness.clock import Deadline, utc_now
from harness.errors import ReachFailed
from harness.reach import container_writer
from harness.reach.allow_list import AllowList
from harness.reach.container_facts import ContainerEvent, ListedContainer
from harness.reach.container_roster import ContainerChoice
from harness.reach.docker import EngineFacts

ENGINE = "unix:///var/run/docker.sock"
BEGUN = datetime(2026, 11, 22, 15, tzinfo=UTC)


class FakeEngine:
    """Stands where a ContainerWriter does. `broken` maps a call's name to what it raises; `deaf` are calls that are
    taken and not done; `calls` are all changes that were asked for."""

    where = ENGINE
    local = True

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.broken: dict[str, ReachFailed] = {}
        self.deaf: set[str] = set()
        self.calls: list[str] = []
        self.happened: list[ContainerEvent] = []
        self.used_bytes = 20 << 20
        self._starts = 0

    def add(self, name: str, **changes: Any) -> dict[str, Any]:
        """A running container; `changes`: labels, image, and keys of HostConfig."""
        number = len(self.containers) + 1
        container = f"{number:x}" * 64
        self._starts += 1
        self.containers[container[:64]] = {
            "Id": container[:64],
            "Name": f"/{name}",
            "Config": {"Image": changes.pop("image", "shop/web:1"), "Labels": changes.pop("labels", {})},
            "State": {"Status": changes.pop("status", "running"), "StartedAt": self._moment(), "OOMKilled": False},
            "HostConfig": {"NetworkMode": "shop", "RestartPolicy": {"Name": "always"}, "Memory": 0, "MemorySwap": 0}
            | changes,
            "NetworkSettings": {
                "Ports": {},
                "Networks": {
                    "shop": {"NetworkID": "net1", "Aliases": [name, container[:12]], "IPAddress": f"172.18.0.{number}"},
                    "back": {
                        "NetworkID": "net2", "Aliases": None, "IPAddress": f"172.19.0.{number}",
                        "IPAMConfig": {"IPv4Address": f"172.19.0.{number}"},
                    },
                },
            },
        }  # fmt: skip
        return self.containers[container[:64]]

    def named(self, name: str) -> dict[str, Any]:
        return next(c for c in self.containers.values() if c["Name"] == f"/{name}")

    def status(self, name: str) -> str:
        return str(self.named(name)["State"]["Status"])

    def remake(self, name: str) -> None:
        """As an orchestrator does: another container under the same name."""
        old = self.named(name)
        del self.containers[old["Id"]]
        new = copy.deepcopy(old) | {"Id": "f" * 64}
        new["State"] = {"Status": "running", "StartedAt": self._moment()}
        self.containers["f" * 64] = new

    def restart_by_hand(self, name: str) -> None:
        self._starts += 1
        self.named(name)["State"] |= {"Status": "running", "StartedAt": self._moment()}

    def tell(self, name: str, action: str, seconds_ago: float, **attributes: Any) -> None:
        container = self.named(name)["Id"]
        at = utc_now() - timedelta(seconds=seconds_ago)
        self.happened.append(ContainerEvent(container, name, action, at, **attributes))

    # what a ContainerWriter has

    def facts(self, deadline: Deadline) -> EngineFacts:
        self._do("facts")
        return EngineFacts(ENGINE, "27.1", "1.46", timedelta())

    def list(self, deadline: Deadline, labels: Mapping[str, str] | None = None) -> tuple[ListedContainer, ...]:
        return tuple(ListedContainer.of(entry) for entry in self.listed(deadline, labels))

    def listed(self, deadline: Deadline, labels: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        self._do("listed")
        return [
            {"Id": c["Id"], "Names": [c["Name"]], "Labels": c["Config"]["Labels"], "State": c["State"]["Status"],
             "HostConfig": {"NetworkMode": c["HostConfig"]["NetworkMode"]}}
            for c in self.containers.values()
            if all(c["Config"]["Labels"].get(key, "-") in ((value,) if value else c["Config"]["Labels"].values())
                   for key, value in (labels or {}).items())
        ]  # fmt: skip

    def attributes(self, container: str, deadline: Deadline) -> dict[str, Any] | None:
        self._do("inspect")
        found = self.containers.get(container) or next(
            (c for c in self.containers.values() if c["Name"] == f"/{container}"), None
        )
        return copy.deepcopy(found)

    def stats(self, container: str, deadline: Deadline) -> dict[str, Any] | None:
        return {
            "read": BEGUN.isoformat(),
            "cpu_stats": {"cpu_usage": {"total_usage": 0}},
            "memory_stats": {"usage": self.used_bytes, "limit": self.containers[container]["HostConfig"]["Memory"]},
        }

    def machine_cpus(self, deadline: Deadline) -> float:
        return 4.0

    def events(self, since: datetime, until: datetime, deadline: Deadline) -> tuple[ContainerEvent, ...]:
        return tuple(e for e in self.happened if since <= e.at <= until)

    def pause(self, container: str, deadline: Deadline) -> None:
        if self._do("pause", container):
            self._state(container, Status="paused")

    def unpause(self, container: str, deadline: Deadline) -> None:
        if self._do("unpause", container):
            if self.containers[container]["State"]["Status"] != "paused":
                raise ReachFailed("the engine refused: it is not paused", where=ENGINE)
            self._state(container, Status="running")

    def start(self, container: str, deadline: Deadline) -> None:
        if self._do("start", container):
            self._starts += 1
            self._state(container, Status="running", StartedAt=self._moment(), OOMKilled=False)

    def stop(self, container: str, grace_s: int, deadline: Deadline) -> None:
        if self._do("stop", container):
            self._state(container, Status="exited")

    def kill(self, container: str, signal: str, deadline: Deadline) -> None:
        if self._do(f"kill {signal}", container):
            self._state(container, Status="exited")

    def restart(self, container: str, grace_s: int, deadline: Deadline) -> None:
        if self._do("restart", container):
            self._starts += 1
            self._state(container, StartedAt=self._moment())

    def update(self, container: str, limits: Mapping[str, int], deadline: Deadline) -> None:
        if self._do(f"update {dict(limits)}", container):
            self.containers[container]["HostConfig"] |= {key: value for key, value in limits.items() if value}

    def disconnect(self, network: str, container: str, deadline: Deadline) -> None:
        if self._do(f"disconnect {network}", container):
            networks = self.containers[container]["NetworkSettings"]["Networks"]
            for name in [n for n, said in networks.items() if said["NetworkID"] == network]:
                del networks[name]

    def connect(self, network: str, container: str, endpoint: Mapping[str, Any], deadline: Deadline) -> None:
        if self._do(f"connect {network} {dict(endpoint)}", container):
            name = {"net1": "shop", "net2": "back"}[network]
            aliases = [*endpoint.get("Aliases", ()), container[:12]]
            said = {"NetworkID": network, "IPAddress": "172.18.0.99", "IPAMConfig": endpoint.get("IPAMConfig")}
            self.containers[container]["NetworkSettings"]["Networks"][name] = said | {"Aliases": aliases}

    def close(self) -> None:
        """Nothing is open."""

    def _do(self, call: str, container: str = "") -> bool:
        if container:
            self.calls.append(call)
        word = call.partition(" ")[0]
        if word in self.broken:
            raise self.broken[word]
        return word not in self.deaf

    def _state(self, container: str, **changes: Any) -> None:
        self.containers[container]["State"] |= changes

    def _moment(self) -> str:
        return (BEGUN + timedelta(seconds=self._starts)).isoformat()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The engine that whoever opens a door to one gets."""
    made = FakeEngine()
    monkeypatch.setattr(container_writer, "ContainerWriter", lambda *_, **__: made)
    return made


@pytest.fixture
def group() -> ContainerGroup:
    return ContainerGroup(ContainerChoice(labels={}), AllowList(["127.0.0.0/8"]))


@pytest.fixture
def plan() -> Callable[..., FaultPlan]:
    """`plan("container-pause", "api", count=1)`."""

    def make(kind: str, place: str = "*", **params: object) -> FaultPlan:
        return FaultPlan(
            "f1", "a fault", kind, place, KINDS[kind].params.model_validate(params), 0.0, 10.0, "container"
        )

    return make
