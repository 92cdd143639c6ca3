"""A runbook: hypothesis, load, service levels, faults on a timeline, stop conditions, emergency procedure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faults.fault import FaultPlan
from harness.analysis.service_level import ServiceLevel
from harness.guard.condition import Condition


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What Locust plays. None: the user's own Locust configuration decides."""

    locustfile: Path
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    users: int | None = None
    spawn_rate: float | None = None
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phases:
    """Lengths in seconds; the faults phase lasts until the last fault has ended, and at least `faults_s`."""

    warm_up_s: float
    baseline_s: float
    recovery_s: float
    faults_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RollbackStep:
    """A step of the platform's own way back, run when a person asks."""

    host: str
    run: str
    when: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class Runbook:
    """A validated runbook. `text` is the file as written."""

    path: Path
    text: str
    title: str
    hypothesis: str
    expect: Literal["held", "deviated", "stopped"]
    load: LoadPlan
    phases: Phases
    recover_within_s: float
    service_levels: tuple[ServiceLevel, ...]
    faults: tuple[FaultPlan, ...]
    stop_when: tuple[Condition, ...]
    collect: tuple[str, ...]
    rollback: tuple[RollbackStep, ...]
    slack_channel: str
    hidden: tuple[str, ...] = field(default=(), repr=False)  # secrets in the load's arguments, for the redactor

    @property
    def faults_s(self) -> float:
        """The length of the faults phase in seconds."""
        return max([self.phases.faults_s, *(f.at_s + f.for_s for f in self.faults)])
