"""Processes of a host stand still: SIGSTOP, and SIGCONT to exactly those."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from faults.effect import judge
from faults.fault import Effect, Measurement
from faults.hosts.action import Values, also_by, risen
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

_PROCESS = re.compile(r"(?P<pid>[0-9]{1,19}) (?P<state>\S+) (?P<start>[0-9]{1,19})")
_STOPPED = "T"
_BUSY = 0.005  # of the host's CPU; what used less before may just have had nothing to do
_IDLE = 0.2  # of what it used before


class ProcessPauseParams(BaseModel):
    """`process`: the name under which the target's host has it watched. `sudo`: the signals are sent by `sudo -n
    kill`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    process: Annotated[str, Field(min_length=1, description="one of the host's processes: in the target")]
    sudo: bool | None = Field(default=None, description="signal it by sudo -n")


class ProcessPause:
    """The processes are resolved once, each by its pid and its start: one that comes later is left alone."""

    ends_itself = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, ProcessPauseParams)
        self._name = params.process
        self.sudo = params.sudo is True
        self._pattern = ""

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        self._pattern = host.processes.get(self._name, "")
        found = host.find_processes(door, self._name, deadline)
        return {"processes": " ".join(f"{pid}:{ticks}" for pid, ticks in found)}

    def against(self, facts: Facts) -> Iterator[Objection]:
        states = _states(facts)
        if not states:
            what = f"no process has {self._pattern!r} in its command line"
            yield Objection(what, f"start it, or correct {self._name}: under processes: in the target file")
        elif all(state == _STOPPED for state in states.values()):
            yield Objection(f"{self._name} stands still already", "let it go on: kill -CONT, or wait until it does")
        above = sorted(states.keys() & set(facts.all("above")))
        if above:
            what = f"process {', '.join(above)} of {self._name} carries our own SSH connection"
            yield Objection(
                what, f"let {self._name}: in the target file mean the platform's process only", refusal=True
            )

    def settle(self, facts: Facts) -> Values:
        return {"processes": self._chosen(facts)}

    def says(self, facts: Facts) -> str:
        count = len(self._chosen(facts).split())
        return f"stops {_processes(count)} of {self._name} (SIGSTOP), no other"

    def what(self, values: Values) -> str:
        return f"{_processes(len(values['processes'].split()))} of {self._name} stopped"

    def by_hand(self, values: Values) -> str:
        pids = " ".join(who.partition(":")[0] for who in values["processes"].split())
        return f"{'sudo ' if self.sudo else ''}kill -CONT {pids}"

    def effect(self, before: Facts, now: Facts) -> Effect:
        expected = f"every process of {self._name} is stopped (state T)"
        states = _states(now)
        stopped = sum(state == _STOPPED for state in states.values())
        were = len(_states(before))
        text = f"stopped: {stopped} of {_processes(len(states))} of {self._name}; {were} there before"
        values = {"processes_stopped": float(stopped), "processes": float(len(states))}
        return Effect(expected, Measurement(text, values), effective=0 < stopped == len(states))

    def healed(self, before: Facts, now: Facts) -> Effect:
        expected = f"no process of {self._name} is stopped"
        states = _states(now)
        stopped = sum(state == _STOPPED for state in states.values())
        gone = len(_states(before)) - len(states)
        went = f"; gone meanwhile: {gone}" if gone else ""
        text = f"running again: {_processes(len(states) - stopped)} of {self._name}; stopped: {stopped}{went}"
        return Effect(expected, Measurement(text), effective=not stopped)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:
        source = f"{host}.{self._name}"
        used = risen(before, during, source, "cpu")
        idle = used is not None and used[0] >= _BUSY and used[1] <= _IDLE * used[0]
        sign = f"{source}: {used[0]:.1%} of the CPU before, {used[1]:.1%} under the fault" if used and idle else ""
        return also_by(judge(before, during, delay_ms=None), sign)

    def _chosen(self, facts: Facts) -> str:
        """Those that run; one that somebody else has stopped stays as it is."""
        return " ".join(f"{p['pid']}:{p['start']}" for p in _seen(facts) if p["state"] != _STOPPED)


def _processes(count: int) -> str:
    return f"{count} process{'es' if count != 1 else ''}"


def _states(facts: Facts) -> dict[str, str]:
    return {process["pid"]: process["state"] for process in _seen(facts)}


def _seen(facts: Facts) -> list[re.Match[str]]:
    """Each by its pid, state and start; what the host says in other words means no process."""
    return [process for said in facts.all("process") if (process := _PROCESS.fullmatch(said)) is not None]


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, ProcessPauseParams)
    return f"every process of {params.process} stands still"
