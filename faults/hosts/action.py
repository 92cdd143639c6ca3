"""What a kind of fault on a host does there: one class of this shape for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from faults.effect import judge
from faults.fault import Effect, Measurement
from faults.hosts.facts import Facts
from faults.hosts.fault_host import FaultHost
from faults.objection import Objection
from faults.observation import Observation
from harness.clock import Deadline

if TYPE_CHECKING:
    from harness.reach.ssh import SshDoor

Values = Mapping[str, str]
_ANY_DELAY_MS = 2.0
"""How much slower requests get can't be foretold: all that is clearly slower counts."""


class HostAction(Protocol):
    """`sudo`: whether its commands are run through `sudo -n`. `ends_itself`: the fault is a process of ours, and over
    when that ends; else something is changed that outlives us, and has to be put back."""

    sudo: bool
    ends_itself: bool

    def choose(self, host: FaultHost, door: SshDoor, fault_id: str, deadline: Deadline) -> Values:
        """The values that its program needs to look. Raises ReachFailed, NotAllowed."""

    def against(self, facts: Facts) -> Iterable[Objection]:
        """What speaks against it, by what `find` said."""

    def settle(self, facts: Facts) -> Values:
        """The values that it is played with; only where nothing speaks against it."""

    def says(self, facts: Facts) -> str:
        """What it will do, for preflight."""

    def what(self, values: Values) -> str:
        """What is left of it, in words."""

    def by_hand(self, values: Values) -> str:
        """What a person types on the host; "" where the guardian's own program does it."""

    def effect(self, before: Facts, now: Facts) -> Effect:
        """Whether the host shows it, against what `tell` said before."""

    def healed(self, before: Facts, now: Facts) -> Effect:
        """Whether the host is back to what it was."""

    def seen(self, host: str, before: Observation, during: Observation) -> Effect:
        """Whether the platform shows it, in its requests or in its host's readings."""


def general_objections(action: HostAction, facts: Facts) -> Iterator[Objection]:
    """What every kind needs."""
    lacking = facts.all("lacks")
    if lacking:
        yield Objection(f"the host has no {', '.join(lacking)}", "install it there: coreutils, util-linux or busybox")
    for command in facts.all("refused"):
        if action.sudo:
            line = f"{command.split()[0]}: see the sudoers lines in docs/targets.md"
            yield Objection(f"sudo -n does not allow `{command}`", f"allow it without a password, {line}")
        else:
            yield Objection(f"the account may not `{command}`", "write sudo: true, and allow it in sudoers")
    if "ends" in facts.all("logind") and not action.ends_itself:
        what = "logind there ends all processes of an account with its last session: nobody would take the fault off"
        yield Objection(what, "set KillUserProcesses=no in its logind.conf", refusal=True)


def needs_root(action: HostAction, facts: Facts, what: str) -> Iterator[Objection]:
    """For commands that only root may run."""
    if not action.sudo and facts.one("root") != "yes":
        yield Objection(f"only root may {what}", "write sudo: true, and allow it in sudoers (docs/targets.md)")


def shown(before: Observation, during: Observation, sign: str) -> Effect:
    """Slower requests, or a sign in the host's own readings, "" for none."""
    return also_by(judge(before, during, delay_ms=_ANY_DELAY_MS), sign)


def also_by(effect: Effect, sign: str) -> Effect:
    """The effect with a sign beside those in the requests, "" for none."""
    expected = f"{effect.expected}, or the host's own readings show it"
    if not sign:
        return replace(effect, expected=expected)
    text = f"{sign}; in the requests {effect.measured.text}" if effect.effective is False else sign
    if effect.effective:
        text = f"{effect.measured.text}; {sign}"
    return Effect(expected, Measurement(text, effect.measured.values), effective=True)


def reading(seen: Observation, source: str, name: str) -> float | None:
    """The mean of a reading of a host or a process."""
    return seen.readings.get(source, {}).get(name)


def risen(before: Observation, during: Observation, source: str, name: str) -> tuple[float, float] | None:
    """Before and under the fault; None where either was not read."""
    was, now = reading(before, source, name), reading(during, source, name)
    return None if was is None or now is None else (was, now)
