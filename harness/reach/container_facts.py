"""What a Docker Engine says about a container, as far as we want to know it: environment variables are never kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_ONE_OFF = "com.docker.compose.oneoff"
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # as Compose has it; anybody may write a label
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ListedContainer:
    """A line of `docker ps --all`."""

    id: str
    name: str
    service: str  # of Docker Compose, "" without
    one_off: bool  # made by `docker compose run`
    status: str  # created, running, paused, restarting, exited, dead

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> ListedContainer:
        labels = entry.get("Labels") or {}
        # a link shows as /other/alias
        names = [str(n).removeprefix("/") for n in entry.get("Names") or () if str(n).count("/") == 1]
        return cls(
            id=str(entry["Id"]),
            name=names[0] if names else str(entry["Id"])[:12],
            service=service if _SERVICE.fullmatch(service := str(labels.get(COMPOSE_SERVICE, ""))) else "",
            one_off=str(labels.get(COMPOSE_ONE_OFF, "")).lower() == "true",
            status=str(entry.get("State", "")),
        )


@dataclass(frozen=True, slots=True)
class HealthCheckRun:
    """One run of a container's health check."""

    at: str
    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container at one moment.

    `cpus` and `memory_limit_bytes` are what it may use, None without a limit. `health` is "" without a health check.
    `secrets`: values of environment variables that look secret, for the redactor only.
    """

    id: str
    name: str
    image: str
    image_id: str
    status: str
    running: bool  # and neither paused nor waiting to be restarted
    exit_code: int
    oom_killed: bool
    restart_count: int
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    health: str
    health_runs: tuple[HealthCheckRun, ...]
    failing_streak: int
    cpus: float | None
    memory_limit_bytes: int | None
    tty: bool
    log_driver: str
    restart_policy: str
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, attrs: Mapping[str, Any]) -> ContainerState:
        """From what `inspect` answers. Raises KeyError, TypeError or ValueError where that is no container."""
        state, config, host = attrs["State"], attrs.get("Config") or {}, attrs.get("HostConfig") or {}
        health = state.get("Health") or {}
        status = str(state.get("Status", ""))
        return cls(
            id=str(attrs["Id"]),
            name=str(attrs["Name"]).removeprefix("/"),
            image=str(config.get("Image", "")),
            image_id=str(attrs.get("Image", "")),
            status=status,
            running=status == "running" and bool(state.get("Running", True)),
            exit_code=int(state.get("ExitCode") or 0),
            oom_killed=bool(state.get("OOMKilled")),
            restart_count=int(attrs.get("RestartCount") or 0),
            error=str(state.get("Error") or ""),
            started_at=moment(state.get("StartedAt")),
            finished_at=moment(state.get("FinishedAt")),
            health=str(health.get("Status") or "").removeprefix("none"),
            health_runs=tuple(_health_run(run) for run in health.get("Log") or ()),
            failing_streak=int(health.get("FailingStreak") or 0),
            cpus=_cpus(host),
            memory_limit_bytes=int(host.get("Memory") or 0) or None,
            tty=bool(config.get("Tty")),
            log_driver=str((host.get("LogConfig") or {}).get("Type", "")),
            restart_policy=str((host.get("RestartPolicy") or {}).get("Name", "")),
            secrets=tuple((name, value) for name, _, value in (e.partition("=") for e in config.get("Env") or ())),
        )


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """Something that happened to a container: `action` is start, die, kill, oom, stop, restart, destroy, ..."""

    id: str
    name: str
    action: str
    at: datetime
    exit_code: int | None = None
    signal: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> ContainerEvent:
        """Raises KeyError, TypeError or ValueError where that is no event of a container."""
        attributes = entry["Actor"].get("Attributes") or {}
        code = attributes.get("exitCode")
        return cls(
            id=str(entry["Actor"]["ID"]),
            name=str(attributes.get("name", "")),
            action=str(entry["Action"]),
            at=datetime.fromtimestamp(int(entry["timeNano"]) / 1e9, tz=UTC),
            exit_code=int(code) if code is not None else None,
            signal=str(attributes.get("signal", "")),
        )


def moment(text: object) -> datetime | None:
    """A time as the engine writes it; None for the year 1, which stands for never."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None and at > _NEVER else None


def _health_run(run: Mapping[str, Any]) -> HealthCheckRun:
    return HealthCheckRun(str(run.get("End", "")), int(run.get("ExitCode") or 0), str(run.get("Output") or ""))


def _cpus(host: Mapping[str, Any]) -> float | None:
    """How many CPUs it may use: the tightest of `--cpus`, `--cpu-quota` and `--cpuset-cpus`."""
    limits = []
    if nano := int(host.get("NanoCpus") or 0):
        limits.append(nano / 1e9)
    if (quota := int(host.get("CpuQuota") or 0)) > 0:
        limits.append(quota / (int(host.get("CpuPeriod") or 0) or 100_000))
    if chosen := str(host.get("CpusetCpus") or ""):
        limits.append(float(sum(map(_span, chosen.split(",")))))
    return min(limits, default=None)


def _span(part: str) -> int:
    """How many CPUs "3" or "0-1" are."""
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1
