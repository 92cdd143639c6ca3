"""Processors of a host are kept busy by loops of ours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from faults.fault import Effect, Measurement
from faults.hosts.action import Values, risen, shown
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from faults.quantity import Fraction
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

_GOT = 0.5  # of the processors asked for
_GOT_LITTLE = 0.05  # where others want them too
_FULL = 0.9


class HostCpuParams(BaseModel):
    """`cores`: so many loops, each of which takes a processor; or `share` of the host's processors, rounded down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cores: Annotated[int, Field(ge=1, le=1024)] | None = Field(default=None, description="processors; or a share")
    share: Annotated[Fraction, Field(gt=0)] | None = Field(default=None, description="of them, rounded down")

    @model_validator(mode="after")
    def _says_how_many(self) -> Self:
        if (self.cores is None) == (self.share is None):
            raise ValueError("how much CPU is to be taken -> write cores: 1 or share: 50%, one of them")
        return self

    def loops(self, cpus: int) -> int:
        return self.cores if self.cores is not None else math.floor((self.share or 0.0) * cpus + 1e-9)


class CpuPressure:
    ends_itself = True
    sudo = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, HostCpuParams)
        self._params = params
        self._loops = 0
        self._cpus = 1

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        return {}

    def against(self, facts: Facts) -> Iterator[Objection]:
        cpus = facts.number("cpus")
        loops = self._params.loops(cpus)
        if not cpus:
            yield Objection("how many processors the host has can't be seen", "it must be Linux with /proc")
        elif loops < 1:
            what = f"{self._params.share:.0%} of {cpus} processors is less than one"
            yield Objection(what, f"write cores: 1, or share: {math.ceil(100 / cpus)}%")
        elif loops > cpus:
            yield Objection(f"the host has {cpus} processors", f"write cores: {cpus} or less")

    def settle(self, facts: Facts) -> Values:
        self._cpus = facts.number("cpus")
        self._loops = self._params.loops(self._cpus)
        return {"loops": str(self._loops)}

    def says(self, facts: Facts) -> str:
        cpus = facts.number("cpus")
        return f"keeps {self._params.loops(cpus)} of {cpus} processors busy"

    def what(self, values: Values) -> str:
        return f"busy loops ({values['loops']})"

    def by_hand(self, values: Values) -> str:  # noqa: ARG002 - the protocol's
        return ""

    def effect(self, before: Facts, now: Facts) -> Effect:
        loops, ticks = (*now.numbers("loops"), 0, 0)[:2]
        was, share = _busy(before), _busy(now)
        got = ticks / max(1, now.numbers("ticks")[1] if len(now.numbers("ticks")) > 1 else 1) * self._cpus
        enough = got >= _GOT * self._loops or (share >= _FULL and got >= _GOT_LITTLE * self._loops)
        text = f"{_loops(loops)} got {got:.2f} processors; the host is {share:.0%} busy, it was {was:.0%} before"
        values = {"loops": float(loops), "processors": round(got, 3), "cpu_before": was, "cpu": share}
        expected = f"{self._loops} of {self._cpus} processors are burnt, or what others leave of them"
        return Effect(expected, Measurement(text, values), effective=loops == self._loops and enough)

    def healed(self, before: Facts, now: Facts) -> Effect:
        loops = now.number("loops")
        text = f"{_loops(loops)} left; the host is {_busy(now):.0%} busy, it was {_busy(before):.0%} before the fault"
        return Effect("no loop of ours is left", Measurement(text), effective=not loops)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:
        used = risen(before, during, host, "cpu")
        least = 0.5 * self._loops / self._cpus
        up = used is not None and (used[1] - used[0] >= least or (used[1] >= _FULL and used[1] - used[0] >= 0.05))
        sign = f"{host}: CPU {used[0]:.0%} busy before, {used[1]:.0%} under the fault" if used and up else ""
        return shown(before, during, sign)


def _loops(number: int) -> str:
    return f"{number} loop{'s' if number != 1 else ''} of ours"


def _busy(facts: Facts) -> float:
    busy, every = (*facts.numbers("ticks"), 0, 0)[:2]
    return round(busy / every, 3) if every else 0.0


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, HostCpuParams)
    if params.cores is not None:
        return f"{params.cores} processor{'s are' if params.cores != 1 else ' is'} kept busy"
    return f"{params.share:.0%} of the processors are kept busy"
