"""Memory of a host is taken by processes of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from faults.fault import Effect, Measurement
from faults.hosts.action import Values, risen, shown
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from faults.quantity import Fraction, Size, about, say_size
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

KB = 1024
LEAST_BYTES = 1_000_000
_MOST_BYTES = 256 * 1024**3
_HELD = 0.9


class HostMemoryParams(BaseModel):
    """`amount` in bytes, or `share` of the memory that is available; `leave`: what must stay available besides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Annotated[Size, Field(ge=LEAST_BYTES, le=_MOST_BYTES)] | None = Field(
        default=None, description="or a share"
    )
    share: Annotated[Fraction, Field(gt=0, le=0.95)] | None = Field(default=None, description="of what is available")
    leave: Annotated[Size, Field(ge=50_000_000, description="must stay available")] = 500_000_000

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.amount is None) == (self.share is None):
            raise ValueError("how much memory is to be taken -> write amount: 512MB or share: 50%, one of them")
        return self

    def bytes_of(self, available_kb: int) -> int:
        """Whole kB, and never more than stated."""
        wanted = self.amount if self.amount is not None else int((self.share or 0.0) * available_kb * KB)
        return min(wanted, _MOST_BYTES) // KB * KB


class MemoryPressure:
    ends_itself = True
    sudo = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, HostMemoryParams)
        self._params = params
        self._bytes = 0

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        return {}

    def against(self, facts: Facts) -> Iterator[Objection]:
        available = facts.number("available")
        take, leave = self._params.bytes_of(available), self._params.leave
        if not available:
            yield Objection("how much memory the host has can't be seen", "it must be Linux with MemAvailable")
        elif available * KB - take < leave:
            what = f"{say_size(round(available * KB, -6))} are available: less than {say_size(leave)} would be left"
            most = (available * KB - leave) // 1_000_000
            mend = f"write amount: {most}MB or less" if most > 0 else "free memory there, or write a smaller leave"
            yield Objection(what, mend, refusal=True)

    def settle(self, facts: Facts) -> Values:
        self._bytes = self._params.bytes_of(facts.number("available"))
        return {"bytes": str(self._bytes), "leave_kb": str(self._params.leave // KB)}

    def says(self, facts: Facts) -> str:
        available = facts.number("available") * KB
        return f"takes {about(self._params.bytes_of(available // KB))} of {about(available)} that are available"

    def what(self, values: Values) -> str:
        return f"{about(int(values['bytes']))} of memory taken"

    def by_hand(self, values: Values) -> str:  # noqa: ARG002 - the protocol's
        return ""

    def effect(self, before: Facts, now: Facts) -> Effect:
        held = now.number("held") * KB
        text = f"processes of ours hold {about(held)}; {_available(before, now)}"
        values = {
            "held_bytes": float(held),
            "available_before_bytes": float(before.number("available") * KB),
            "available_bytes": float(now.number("available") * KB),
        }
        expected = f"{about(self._bytes)} of memory are taken"
        return Effect(expected, Measurement(text, values), effective=held >= _HELD * self._bytes)

    def healed(self, before: Facts, now: Facts) -> Effect:
        held = now.number("held")
        text = f"processes of ours hold {about(held * KB)}; {_available(before, now)}"
        return Effect("no memory is taken any more", Measurement(text), effective=not held)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:
        free = risen(before, during, host, "memory_available_bytes")
        fell = free is not None and free[0] - free[1] >= 0.5 * self._bytes
        sign = f"{host}: {about(free[0])} available before, {about(free[1])} under the fault" if free and fell else ""
        return shown(before, during, sign)


def _available(before: Facts, now: Facts) -> str:
    was, is_now = before.number("available") * KB, now.number("available") * KB
    return f"{about(is_now)} are available, {about(was)} were before"


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, HostMemoryParams)
    if params.amount is not None:
        return f"{say_size(params.amount)} of memory are taken"
    return f"{params.share:.0%} of the memory that is available are taken"
