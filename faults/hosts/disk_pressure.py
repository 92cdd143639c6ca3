"""A file system of a host is filled by a file of ours that has no name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from faults.fault import Effect, Measurement
from faults.hosts.action import Values, risen, shown
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from faults.quantity import Size, about, say_size
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

KB = 1024
LEAST_BYTES = 1024 * KB
_HELD = 0.9


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable() or ".." in path.split("/"):
        raise ValueError(f"{path!r} is no absolute path -> write a folder on the host, such as /var/lib/app")
    return path.rstrip("/") or "/"


Folder = Annotated[
    str, AfterValidator(_absolute), Field(description="a folder on the host that the account may write to")
]


class HostDiskParams(BaseModel):
    """`path`: a folder of the file system; `amount` in bytes, or else until `leave` is free; never beyond that."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Folder
    amount: Annotated[Size, Field(ge=LEAST_BYTES)] | None = Field(default=None, description="left out: all but `leave`")
    leave: Annotated[Size, Field(ge=50_000_000, description="must stay free")] = 1_000_000_000

    def bytes_of(self, free_kb: int) -> int:
        """Whole MiB."""
        wanted = self.amount if self.amount is not None else free_kb * KB - self.leave
        return max(0, wanted // LEAST_BYTES * LEAST_BYTES)


def file_values(path: str, fault_id: str) -> Values:
    """What a file of ours is known by in the moment in which it has a name."""
    return {"path": path, "file_folder": f".{fault_id}"}


def file_objections(facts: Facts, path: str) -> Iterator[Objection]:
    if "missing" in facts.all("path"):
        yield Objection(f"there is no folder {path}", "correct path:")
    elif "closed" in facts.all("path"):
        yield Objection(f"the account may not write to {path}", "choose a folder of its own on that file system")


def space_objections(facts: Facts, take: int, leave: int) -> Iterator[Objection]:
    free = facts.number("free") * KB
    if free - take < leave:
        what = f"{about(free)} are free: less than {say_size(leave)} would be left"
        most = (free - leave) // 1_000_000
        mend = f"write amount: {most}MB or less" if most > 0 else "free space there, or write a smaller leave"
        yield Objection(what, mend, refusal=True)


class DiskPressure:
    ends_itself = True
    sudo = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, HostDiskParams)
        self._params = params
        self._bytes = 0
        self._size = 0
        self._shown = ""  # what the host has shown last

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        return file_values(self._params.path, fault_id)

    def against(self, facts: Facts) -> Iterator[Objection]:
        path, found = self._params.path, list(file_objections(facts, self._params.path))
        yield from found
        take = self._params.bytes_of(facts.number("free"))
        if not found and not take:
            what = f"{about(facts.number('free') * KB)} are free under {path}: there is nothing to fill"
            yield Objection(what, "write a smaller leave")
        elif not found:
            yield from space_objections(facts, take, self._params.leave)

    def settle(self, facts: Facts) -> Values:
        self._bytes = self._params.bytes_of(facts.number("free"))
        self._size = facts.number("size") * KB
        return {"bytes": str(self._bytes), "leave_kb": str(self._params.leave // KB)}

    def says(self, facts: Facts) -> str:
        free = facts.number("free")
        return (
            f"takes {about(self._params.bytes_of(free))} of {about(free * KB)} that are free under {self._params.path}"
        )

    def what(self, values: Values) -> str:
        return f"{about(int(values['bytes']))} taken under {values['path']}"

    def by_hand(self, values: Values) -> str:  # noqa: ARG002 - the protocol's
        return ""

    def effect(self, before: Facts, now: Facts) -> Effect:
        held = now.number("held") * KB
        text = f"a file of ours holds {about(held)}; {self._free(before, now)}"
        values = {
            "held_bytes": float(held),
            "free_before_bytes": float(before.number("free") * KB),
            "free_bytes": float(now.number("free") * KB),
        }
        enough = held >= _HELD * self._bytes
        self._shown = self._free(before, now) if enough else ""
        expected = f"{about(self._bytes)} under {self._params.path} are taken"
        return Effect(expected, Measurement(text, values), effective=enough)

    def healed(self, before: Facts, now: Facts) -> Effect:
        held = now.number("held") * KB
        text = f"a file of ours holds {about(held)}; {self._free(before, now)}"
        return Effect("no space is taken any more", Measurement(text), effective=not held)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:
        # the reading is of the fullest file system, which may be another: then what every process there sees counts
        full = risen(before, during, host, "disk")
        more = full is not None and full[1] - full[0] >= 0.5 * self._bytes / max(1, self._size)
        sign = f"{host}: fullest disk {full[0]:.2%} before, {full[1]:.2%} under the fault" if full and more else ""
        return shown(before, during, sign or self._shown)

    def _free(self, before: Facts, now: Facts) -> str:
        was, is_now = before.number("free") * KB, now.number("free") * KB
        return f"{about(is_now)} are free under {self._params.path}, {about(was)} were before"


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, HostDiskParams)
    if params.amount is not None:
        return f"{say_size(params.amount)} under {params.path} are taken"
    return f"the disk under {params.path} is filled until {say_size(params.leave)} are free"
