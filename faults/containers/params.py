"""What a runbook says of a fault on containers: on which of them, how many, and how."""

from __future__ import annotations

import math
import signal
from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from faults.quantity import Fraction, Seconds, Size, fraction, say_seconds

LEAST_MEMORY_BYTES = 6 << 20
"""What every engine of today asks for at least."""
_LEAST_CPUS = 0.01
_LONGEST_GRACE_S = 30.0


def labels_text(value: object) -> str:
    """Labels as {key: value}, written as one line: "role=web, tier=front"; an empty value means any."""
    if isinstance(value, str):
        value = dict(part.strip().partition("=")[::2] for part in value.split(","))
    if not isinstance(value, dict) or not value:
        raise ValueError("labels here are {key: value}, such as {role: web}; an empty value means any")
    for key, said in value.items():
        if isinstance(said, dict | list | bool) or not str(key).strip() or "=" in str(key):
            raise ValueError(f"{key}: {said} is no label -> write {{role: web}}, the value in quotes if it is no text")
        if "," in f"{key}{said}" or any(c.isspace() for c in str(key)):
            raise ValueError(f"{key}={said}: a label with a comma or a key with a space can't choose containers here")
    return ", ".join(f"{key}={'' if said is None else said}".removesuffix("=") for key, said in value.items())


def cpu_limit(value: object) -> float | str:
    """A number of CPUs, or a share of what the container may use now ("25%")."""
    text = str(value).strip()
    if text.endswith("%"):
        if not 0 < fraction(text) < 1:
            raise ValueError(f"{text} limits nothing -> write a share between 1% and 99%, or a number of CPUs")
        return text.replace(" ", "")
    try:
        cpus = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no limit -> write 0.5 (CPUs) or 25% (of what it may use now)") from None
    if isinstance(value, bool) or not math.isfinite(cpus) or cpus < _LEAST_CPUS:
        raise ValueError(f"{text} is no limit -> write {_LEAST_CPUS:g} CPUs or more, or a share such as 25%")
    return cpus


Labels = Annotated[
    str,
    BeforeValidator(labels_text),
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}, "minProperties": 1}
    ),
]
CpuLimit = Annotated[
    float | str,
    BeforeValidator(cpu_limit),
    WithJsonSchema({"type": ["number", "string"], "examples": [0.5, "25%"]}),
]
Grace = Annotated[Seconds, Field(le=_LONGEST_GRACE_S)]


class ContainerParams(BaseModel):
    """Which containers: those of the target that `container` (a name or glob) and `labels` mean, at most `count` of
    them or a `share` (rounded up), in the order of their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: Labels | None = Field(default=None, description="{role: web}, which they all must carry")
    count: Annotated[int, Field(ge=1)] | None = Field(default=None, description="how many are hit at most")
    share: Annotated[Fraction, Field(gt=0)] | None = Field(default=None, description="of those that run, rounded up")

    @model_validator(mode="after")
    def _one_radius(self) -> Self:
        if self.count is not None and self.share is not None:
            raise ValueError("count and share both say how many -> keep one of them")
        return self

    @property
    def wanted_labels(self) -> dict[str, str]:
        """The labels by key; an empty value means any."""
        return dict(part.partition("=")[::2] for part in (self.labels or "").split(", ") if part)

    @property
    @abstractmethod
    def doing(self) -> str:
        """What the fault does to each, in words."""

    @property
    def settle_s(self) -> float:
        """How long a container may take to end once it was sent the fault's signal."""
        return 0.0

    def most(self, matching: int) -> int | None:
        """How many of so many may be hit; None where nothing says it."""
        if self.count is not None:
            return self.count
        # a hair less, so that 20 % of 5 is 1 in floating point, too
        return math.ceil(self.share * matching - 1e-9) if self.share is not None else None


class PauseParams(ContainerParams):
    """All processes frozen."""

    @property
    def doing(self) -> str:
        return "its processes are frozen: it takes connections and answers nothing"


class AnewParams(ContainerParams):
    """What ends a container's network endpoint. `allow_new_port`: also where the engine would publish its ports under
    other numbers afterwards."""

    allow_new_port: bool | None = Field(default=None, description="also where its published port changes by it")


class StopParams(AnewParams):
    """`grace`: how long it has to end after its stop signal, before SIGKILL."""

    grace: Grace = Field(default=10.0, description="after its stop signal, before SIGKILL")

    @property
    def doing(self) -> str:
        return f"it is stopped, with {say_seconds(self.grace)} to end by itself"

    @property
    def settle_s(self) -> float:
        return self.grace

    @property
    def grace_s(self) -> int:
        """Whole seconds, as the engine wants them."""
        return math.ceil(self.grace)


class RestartParams(StopParams):
    """Stopped and started again at once."""

    @property
    def doing(self) -> str:
        return f"it is restarted, with {say_seconds(self.grace)} to end by itself"


class KillParams(AnewParams):
    """The first process is sent `signal`."""

    signal: Literal["SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGABRT"] = "SIGKILL"

    @property
    def doing(self) -> str:
        return f"its first process is sent {self.signal}"

    @property
    def settle_s(self) -> float:
        return 0.0 if self.signal == "SIGKILL" else 10.0

    @property
    def exit_code(self) -> int:
        """What a process that the signal ended exits with."""
        return 128 + signal.Signals[self.signal].value


class NetworkParams(AnewParams):
    """`network`: the one that it is taken out of, by name; all of them where none is named."""

    network: str | None = Field(default=None, min_length=1, description="by name; left out: all of its networks")

    @property
    def doing(self) -> str:
        return f"it is taken out of {f'the network {self.network}' if self.network else 'all its networks'}"


class CpuParams(ContainerParams):
    """`limit`: a number of CPUs, or a share of what it may use now."""

    limit: CpuLimit = Field(description="0.5 (CPUs), or 25% of what it may use now")

    @property
    def doing(self) -> str:
        share = f"{self.limit} of the CPU time that it may use"
        return f"it gets {share if isinstance(self.limit, str) else f'{self.limit:g} CPUs'}"

    def cpus(self, may_use: float) -> float:
        """The limit in CPUs, of a container that may use so many."""
        return fraction(self.limit) * may_use if isinstance(self.limit, str) else self.limit


class MemoryParams(ContainerParams):
    """`limit`: below what it may use now. `oom`: also below what it uses now, so that processes are killed."""

    limit: Annotated[Size, Field(ge=LEAST_MEMORY_BYTES)]
    oom: bool = Field(default=False, description="also below what it uses now: processes are killed")

    @property
    def doing(self) -> str:
        killed = ": what needs more is killed" if self.oom else ""
        return f"it gets {self.limit / 2**20:.5g} MiB of memory{killed}"


def expected(params: BaseModel) -> str:
    """What the fault does, in words."""
    assert isinstance(params, ContainerParams)
    return params.doing
