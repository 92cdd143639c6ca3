"""A runbook: hypothesis, load, service levels, faults on a timeline, stop conditions, emergency procedure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faults.fault import FaultPlan
from harness.analysis.alert_level import AlertLevel
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
    processes: int | None = None  # -1: one for each core
    web_port: int | None = None  # Locust's own web page; 0: the system chooses the port


@dataclass(frozen=True, slots=True)
class Phases:
    """Lengths in seconds; the faults phase lasts until the last fault has ended, and at least `faults_s`."""

    warm_up_s: float
    baseline_s: float
    recovery_s: float
    faults_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RollbackStep:
    """A step of the platform's own way back: on a `host`, in a `container`, or here, where both are "".

    `when` it runs by itself: never ("asked" by a person), when a stop condition has "stopped" the run, or whenever an
    incident opened ("not-held").
    """

    host: str
    run: str
    when: Literal["asked", "stopped", "not-held"] = "asked"
    container: str = ""
    name: str = ""
    timeout_s: float = 60.0

    @property
    def where(self) -> str:
        """The place by its name: a person who runs it types this."""
        return self.host or self.container or "here"


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
    alerts: tuple[AlertLevel, ...] = ()
    hidden: tuple[str, ...] = field(default=(), repr=False)  # secrets in the load's arguments, for the redactor
    roles: Mapping[str, str] = field(default_factory=dict)  # who does what: {"lead": "Ada"}

    @property
    def faults_s(self) -> float:
        """The length of the faults phase in seconds."""
        return max([self.phases.faults_s, *(f.at_s + f.for_s for f in self.faults)])
