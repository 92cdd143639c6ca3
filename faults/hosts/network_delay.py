"""What a host sends to stated addresses is delayed, by tc and netem at one of its interfaces."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from faults.effect import judge
from faults.fault import Effect, Measurement
from faults.hosts.action import Values, needs_root
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from faults.quantity import Seconds, say_seconds
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

MOST_ADDRESSES = 16
_MEASURED = 0.8
_BACK = 0.3  # of the delay
_MILLISECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?")
_ROOT = re.compile(r"qdisc (?P<name>\S+) (?P<handle>[0-9a-f]+): (?:dev \S+ )?root\b")


def _addresses(value: object) -> str:
    """One address, or several in a list, in one text."""
    given = value if isinstance(value, list) else re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else []
    if not given or len(given) > MOST_ADDRESSES:
        raise ValueError(f"1 to {MOST_ADDRESSES} IP addresses -> write towards: [10.0.0.5]")
    found = []
    for text in given:
        try:
            found.append(str(ipaddress.ip_address(str(text))))
        except ValueError:
            raise ValueError(f"{text!r} is no IP address -> write what the host sends to, such as 10.0.0.5") from None
    return ", ".join(dict.fromkeys(found))


Addresses = Annotated[
    str,
    BeforeValidator(_addresses),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ADDRESSES}]}
    ),
]


class HostNetworkParams(BaseModel):
    """`interface`: where the packets leave the host; `towards`: the addresses that they are sent to; `delay` and
    `jitter` in seconds. `sudo`: tc is run by `sudo -n`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$", description="the host's, as eth0")]
    towards: Annotated[Addresses, Field(description="IP addresses")]
    delay: Annotated[Seconds, Field(ge=0.001, le=10.0)]
    jitter: Annotated[Seconds, Field(le=5.0)] = 0.0
    sudo: bool | None = Field(default=None, description="run tc by sudo -n")

    @model_validator(mode="after")
    def _jitters_within_the_delay(self) -> Self:
        if self.jitter > self.delay:
            raise ValueError("the jitter is longer than the delay -> write a shorter jitter")
        return self

    @property
    def addresses(self) -> list[str]:
        return self.towards.split(", ")


class NetworkDelay:
    """A queue of ours in the place of the kernel's own, which comes back when ours goes. Where somebody has put one of
    theirs, there is no place for ours."""

    ends_itself = False

    def __init__(self, params: BaseModel) -> None:
        assert isinstance(params, HostNetworkParams)
        self._params = params
        self.sudo = params.sudo is True

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:  # noqa: ARG002 - the protocol's
        params = self._params
        for address in params.addresses:
            host.allow.resolve(address, 0)
        number = int.from_bytes(hashlib.sha256(fault_id.encode()).digest()[:4])
        return {
            "interface": params.interface,
            "towards": " ".join(params.addresses),
            "handle": f"{0x1000 + number % 0xE000:x}",
            "delay_us": str(round(params.delay * 1e6)),
            "jitter_us": str(round(params.jitter * 1e6)),
        }

    def against(self, facts: Facts) -> Iterator[Objection]:
        interface = self._params.interface
        yield from needs_root(self, facts, "delay packets")
        if "missing" in facts.all("interface"):
            yield Objection(f"there is no interface {interface}", "see `ip link` there")
            return
        if facts.one("netem") == "missing":
            yield Objection("the kernel there has no netem", "install its extra modules, or take another kind of fault")
        client = facts.one("client").removeprefix("::ffff:")
        if client in self._params.addresses:
            yield Objection(
                f"our own SSH connection comes from {client}", f"take {client} out of towards", refusal=True
            )
        for found in _roots(facts):
            if found["handle"] != "0":
                what = f"{interface} has a queue of somebody's: {found['name']} {found['handle']}:"
                yield Objection(what, "choose another interface: ours would take its place", refusal=True)
        for address, ms in _round_trips(facts).items():
            if ms is None:
                what = f"{address} does not answer the host's ping: the delay could not be proven"
                yield Objection(what, "name an address that does, and take the others out of towards")

    def settle(self, facts: Facts) -> Values:  # noqa: ARG002 - the protocol's
        return {}

    def says(self, facts: Facts) -> str:
        params = self._params
        unsure = "" if facts.one("netem") else "; whether its kernel has netem can't be seen"
        return f"delays what leaves {params.interface} for {params.towards} by {say_seconds(params.delay)}{unsure}"

    def what(self, values: Values) -> str:
        return f"the delay at {values['interface']} (queue {values['handle']}:)"

    def by_hand(self, values: Values) -> str:
        tc = f"tc qdisc del dev {values['interface']} root handle {values['handle']}:"
        return f"sudo {tc}" if self.sudo else tc

    def effect(self, before: Facts, now: Facts) -> Effect:
        least_ms = _MEASURED * self._params.delay * 1000 - self._params.jitter * 1000
        shifts = _shifts(before, now)
        slow = bool(shifts) and all(ms is not None and ms >= least_ms for ms in shifts.values())
        expected = f"round trips to {self._params.towards} are {say_seconds(self._params.delay)} slower"
        return Effect(expected, Measurement(_told(before, now), _values(shifts)), effective=slow)

    def healed(self, before: Facts, now: Facts) -> Effect:
        most_ms = max(_BACK * self._params.delay * 1000, 1.0)
        shifts = _shifts(before, now)
        back = all(ms is not None and ms <= most_ms for ms in shifts.values())
        same = before.all("queue") == now.all("queue")
        left = "" if same else "; its queues are not what they were"
        expected = f"round trips to {self._params.towards} are as before"
        return Effect(expected, Measurement(_told(before, now) + left, _values(shifts)), effective=back and same)

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:  # noqa: ARG002 - the protocol's
        return judge(before, during, delay_ms=self._params.delay * 1000)


def _roots(facts: Facts) -> list[re.Match[str]]:
    return [found for line in facts.all("queue") if (found := _ROOT.match(line))]


def _round_trips(facts: Facts) -> dict[str, float | None]:
    """In milliseconds, by address; None: no answer."""
    found: dict[str, float | None] = {}
    for said in facts.all("rtt"):
        address, _, ms = said.partition(" ")
        found[address] = float(ms) if _MILLISECONDS.fullmatch(ms) else None
    return found


def _shifts(before: Facts, now: Facts) -> dict[str, float | None]:
    old = _round_trips(before)
    return {
        address: None if ms is None or (was := old.get(address)) is None else ms - was
        for address, ms in _round_trips(now).items()
    }


def _told(before: Facts, now: Facts) -> str:
    old = _round_trips(before)
    said = (f"{a}: {_ms(old.get(a))} before, {_ms(ms)} now" for a, ms in _round_trips(now).items())
    return "; ".join(said) or "nothing was measured"


def _ms(value: float | None) -> str:
    return "no answer" if value is None else f"{value:.1f} ms"


def _values(shifts: dict[str, float | None]) -> dict[str, float]:
    known = [ms for ms in shifts.values() if ms is not None]
    return {"slower_ms": round(min(known), 3)} if known else {}


def expected(params: BaseModel) -> str:
    """What it does, in words."""
    assert isinstance(params, HostNetworkParams)
    return f"what is sent to {params.towards} is {say_seconds(params.delay)} slower"
