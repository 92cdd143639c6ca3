"""What a fault is: what it expects, how it is injected, proven and healed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel

from faults.observation import Observation
from faults.quantity import recorded
from faults.undo import Undo
from harness.clock import Deadline
from harness.errors import GamedayError

PlaceKind = Literal["proxy", "database", "cache", "container", "host", "platform"]
"""What a fault sits on; "platform": nothing that the target names."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A fault as the runbook has it; `at_s` and `for_s` on the timeline of the faults phase. `place` is what it sits
    on, by its name in the target; for containers, a name or a glob of names.

    `params` is the kind's own validated model (see `faults.catalog`).
    """

    id: str
    name: str
    kind: str
    place: str
    params: BaseModel
    at_s: float
    for_s: float
    on: PlaceKind = "proxy"

    @property
    def proxy(self) -> str:
        """The proxy that it sits on, or ""."""
        return self.place if self.on == "proxy" else ""

    @property
    def database(self) -> str:
        """The database that it sits on, or ""."""
        return self.place if self.on == "database" else ""

    @property
    def param_names(self) -> list[str]:
        """The names of the parameters, those of its own kind first."""
        own = [name for name in type(self.params).__annotations__ if name in type(self.params).model_fields]
        return [*own, *(name for name in type(self.params).model_fields if name not in own)]

    @property
    def recorded_params(self) -> dict[str, float | str | bool]:
        """The parameters as the journal has them, units in the names: a `latency` of 0.05 s is `latency_ms` 50. What
        was left open isn't in it."""
        fields = type(self.params).model_fields
        chosen = self.params.model_dump(exclude_none=True)
        return dict(recorded(name, chosen[name], fields[name]) for name in self.param_names if name in chosen)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured: one sentence and its numbers (units in the names)."""

    text: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """One of the two proofs. `effective` None: it can't be said (too little was seen). `mend`: what a person types
    where the wire is not back for another reason than the fault."""

    expected: str
    measured: Measurement
    effective: bool | None
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Healed:
    """How a fault was taken off: the rung of the recovery ladder, and what was changed beyond that (or ""). `command`:
    what a person types should the wire not be back after it. `by_keeper`: a lease keeper had done it already."""

    rung: str
    note: str = ""
    command: str = ""
    by_keeper: bool = False


class FaultGone(GamedayError):
    """The server no longer has the fault as it was injected; `what` says what became of it."""


class Fault(Protocol):
    """One fault of one run. Nothing but `inject` and `heal` changes anything outside."""

    plan: FaultPlan

    def prepare(self) -> Undo:
        """Read what is there now and measure the wire; the record is enough to heal from. Raises ReachFailed."""

    def inject(self) -> None:
        """Add the fault. Raises ReachFailed; what happened then is unknown until healed."""

    def prove_wire(self) -> Effect:
        """Measure through the data path that the platform uses, against the measurement of `prepare`."""

    def prove_platform(self, before: Observation, during: Observation) -> Effect:
        """Compare the platform under the fault with the platform before it."""

    def present(self) -> bool:
        """Whether the server still has the fault as it was injected; FaultGone where it can be said what became of it.
        Raises ReachFailed."""

    def heal(self, deadline: Deadline) -> Healed:
        """Take it off by its undo record; idempotent, from any thread. Raises NotHealed."""

    def measure_healed(self, deadline: Deadline) -> Effect:
        """Measure the wire again, until it is back or the deadline has passed, beside any probe under way.

        `effective` says whether it is back; None: it can't be told, because another fault is on the same proxy.
        """

    def close(self) -> None:
        """Free what the probes hold open."""
