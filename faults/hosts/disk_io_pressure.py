"""The disk of a host is kept busy: a small file of ours is written again and again, to the disk each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults.fault import Effect, Measurement
from faults.hosts.action import Values, risen, shown
from faults.hosts.disk_pressure import Folder, file_objections, file_values, space_objections
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from faults.quantity import Size, Throughput, about, say_rate, say_size
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

KB = 1024
_LEAVE_BYTES = 500_000_000


class HostDiskIoParams(BaseModel):
    """`path`: a folder of the file system; `amount`: the size of the file that is written again and again; `rate`: at
    most so many bytes a second, else as fast as the disk takes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Folder
    amount: Annotated[Size, Field(ge=64 * KB, le=1_000_000_000, description="the file's size")] = 16_000_000
    rate: Annotated[Throughput, Field(ge=64 * KB)] | None = Field(default=None, description="left out: all it can")


class DiskIoPressure:
    ends_itself = True
    sudo = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, HostDiskIoParams)
        self._params = params
        self._per_s = 0

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        return file_values(self._params.path, fault_id)

    def against(self, facts: Facts) -> Iterator[Objection]:
        found = list(file_objections(facts, self._params.path))
        yield from found
        if not found:
            yield from space_objections(facts, self._params.amount, _LEAVE_BYTES)

    def settle(self, facts: Facts) -> Values:  # noqa: ARG002 - the protocol's
        pause_s = self._params.amount / self._params.rate if self._params.rate else 0.0
        return {
            "bytes": str(self._params.amount),
            "leave_kb": str(_LEAVE_BYTES // KB),
            "pause_s": f"{pause_s:.3f}",
        }

    def says(self, facts: Facts) -> str:  # noqa: ARG002 - the protocol's
        most = f", {say_rate(self._params.rate)} at most" if self._params.rate else ""
        return f"writes {say_size(self._params.amount)} under {self._params.path} to the disk again and again{most}"

    def what(self, values: Values) -> str:
        return f"writes under {values['path']}"

    def by_hand(self, values: Values) -> str:  # noqa: ARG002 - the protocol's
        return ""

    def effect(self, before: Facts, now: Facts) -> Effect:  # noqa: ARG002 - the protocol's
        written = now.number("written")
        self._per_s = max(self._per_s, written)
        text = f"{about(written)} a second are written to the disk by us"
        effective = written >= 64 * KB
        return Effect("the disk is written to all the time", Measurement(text, {"bytes_per_s": written}), effective)

    def healed(self, before: Facts, now: Facts) -> Effect:  # noqa: ARG002 - the protocol's
        written = now.number("written")
        text = f"{about(written)} a second are written to the disk by us"
        return Effect("nothing is written by us any more", Measurement(text), effective=not written)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:
        wrote = risen(before, during, host, "disk_write_bytes_per_s")
        more = wrote is not None and self._per_s > 0 and wrote[1] - wrote[0] >= 0.3 * self._per_s
        waited = risen(before, during, host, "io_pressure")
        signs = []
        if wrote and more:
            signs.append(f"{host}: {about(wrote[0])} a second written before, {about(wrote[1])} under the fault")
        if waited and waited[1] - waited[0] >= 0.1:
            signs.append(f"{host}: some task waited for a disk {waited[0]:.0%} of the time before, {waited[1]:.0%} now")
        return shown(before, during, "; ".join(signs))


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, HostDiskIoParams)
    return f"the disk under {params.path} is written to all the time"
