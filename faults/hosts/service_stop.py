"""A systemd service of a host is stopped, and started again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from faults.effect import judge
from faults.fault import Effect, Measurement
from faults.hosts.action import Values, needs_root
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

_UNIT = re.compile(r"[A-Za-z0-9:_.\\][A-Za-z0-9:_.\\@-]{0,200}")
_VITAL = re.compile(
    r"(?:ssh|sshd|dropbear|dbus|dbus-broker|NetworkManager|networking|networkd.*|systemd-.*|user@.*)(?:@.*)?\.service"
)
_ACTIVE = "active"


def _service(text: str) -> str:
    if not _UNIT.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a unit -> write it as systemctl shows it: nginx.service")
    name = text if "." in text else f"{text}.service"
    if not name.endswith(".service"):
        raise ValueError(f"{text!r} is no service -> name the service itself")
    return name


class ServiceStopParams(BaseModel):
    """`unit`: the service, as systemctl names it. `sudo`: systemctl is run by `sudo -n`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Annotated[str, AfterValidator(_service), Field(description="a systemd service, such as nginx.service")]
    sudo: bool | None = Field(default=None, description="run systemctl by sudo -n")


class ServiceStop:
    """Only a service that runs, that nothing which runs depends on, and that we don't depend on ourselves."""

    ends_itself = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, ServiceStopParams)
        self._unit = params.unit
        self.sudo = params.sudo is True

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        return {"unit": self._unit}

    def against(self, facts: Facts) -> Iterator[Objection]:
        yield from needs_root(self, facts, "stop a service")
        state = facts.one("ActiveState")
        if facts.one("LoadState") != "loaded":
            load = facts.one("LoadState") or "systemd does not answer"
            yield Objection(f"{self._unit} is no service of this host ({load})", "see systemctl list-units there")
        elif state != _ACTIVE:
            yield Objection(f"{self._unit} does not run ({state})", f"start it: systemctl start {self._unit}")
        if _VITAL.fullmatch(self._unit) or facts.one("MainPID") in facts.all("above"):
            what = f"without {self._unit} the host could not be reached any more"
            yield Objection(what, "name a service of the platform", refusal=True)
        others = facts.all("with")
        if others:
            what = f"systemd stops {', '.join(others)} with {self._unit}, and would not start them again"
            yield Objection(what, f"name the service that needs the others: {others[0]}", refusal=True)

    def settle(self, facts: Facts) -> Values:  # noqa: ARG002 - the protocol's
        return {}

    def says(self, facts: Facts) -> str:
        sockets = facts.one("TriggeredBy")
        again = f"; {sockets} may start it again at the next connection" if sockets else ""
        return f"stops {self._unit}, which is {facts.one('ActiveState')} ({facts.one('SubState')}){again}"

    def what(self, values: Values) -> str:
        return f"the stopped {values['unit']}"

    def by_hand(self, values: Values) -> str:
        return f"{'sudo ' if self.sudo else ''}systemctl start {values['unit']}"

    def effect(self, before: Facts, now: Facts) -> Effect:
        state = now.one("ActiveState")
        text = f"{self._unit} is {_told(now)}, it was {_told(before)} before"
        return Effect(f"{self._unit} is inactive", Measurement(text), effective=state in ("inactive", "failed"))

    def healed(self, before: Facts, now: Facts) -> Effect:
        text = f"{self._unit} is {_told(now)}, it was {_told(before)} before"
        return Effect(f"{self._unit} is active", Measurement(text), effective=now.one("ActiveState") == _ACTIVE)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:  # noqa: ARG002 - the protocol's
        return judge(before, during, delay_ms=None)


def _told(facts: Facts) -> str:
    return f"{facts.one('ActiveState') or 'unknown'} ({facts.one('SubState') or 'unknown'})"


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, ServiceStopParams)
    return f"{params.unit} is stopped"
