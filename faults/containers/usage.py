"""What a container used between two moments, by its engine's own counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.clock import Deadline
from harness.reach.container_facts import moment

if TYPE_CHECKING:
    from harness.reach.container_writer import ContainerWriter

CALL_S = 3.0


@dataclass(frozen=True, slots=True)
class Counters:
    """What an engine counted until `at`. `memory_bytes` without the cache that the kernel gives back; `limit_bytes`:
    the memory limit that the kernel holds it to, the machine's memory without one."""

    at: datetime
    cpu_s: float
    periods: int
    throttled: int
    sent_bytes: int
    memory_bytes: int
    limit_bytes: int

    @classmethod
    def of(cls, stats: Mapping[str, Any]) -> Counters | None:
        """From what the engine measures; None where it measures nothing."""
        try:
            at = moment(stats["read"])
            cpu = stats["cpu_stats"]
            throttling = cpu.get("throttling_data") or {}
            memory = stats.get("memory_stats") or {}
            if at is None:
                return None
            inside = memory.get("stats") or {}
            # cgroups of the first kind, and of the second
            cache = _count(inside.get("total_inactive_file", inside.get("inactive_file")))
            used = _count(memory.get("usage"))
            return cls(
                at=at,
                cpu_s=_count(cpu["cpu_usage"]["total_usage"]) / 1e9,
                periods=_count(throttling.get("periods")),
                throttled=_count(throttling.get("throttled_periods")),
                sent_bytes=sum(_count(n.get("tx_bytes")) for n in (stats.get("networks") or {}).values()),
                memory_bytes=used - cache if cache < used else used,
                limit_bytes=_count(memory.get("limit")),
            )
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            return None


def _count(said: object) -> int:
    """Raises TypeError or ValueError for what no kernel counts to."""
    number = int(said or 0)  # type: ignore[call-overload]
    if not 0 <= number < 2**64:
        raise ValueError(number)
    return int(number)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container used over `seconds`. `cpus`: CPU seconds a second; `throttled`: of the scheduler's `periods`
    under a limit, in how many it was held back."""

    seconds: float
    cpus: float
    periods: int
    throttled: int
    sent_bytes_per_s: float
    last: Counters

    @property
    def throttled_share(self) -> float:
        return self.throttled / self.periods if self.periods else 0.0


def measure(writer: ContainerWriter, container: str, deadline: Deadline, least_s: float = 0.5) -> Usage | None:
    """What it uses now, over `least_s` at least; 1 to 2 s, since an engine counts once a second. None where it does not
    run or the engine does not say. Raises ReachFailed."""
    first = _ask(writer, container, deadline)
    while first is not None and not deadline.passed:
        last = _ask(writer, container, deadline)
        if last is None:
            return None
        seconds = (last.at - first.at).total_seconds()
        if seconds >= least_s:
            return between(first, last)
    return None


def between(first: Counters, last: Counters) -> Usage:
    seconds = max(1e-3, (last.at - first.at).total_seconds())
    return Usage(
        seconds=seconds,
        cpus=max(0.0, last.cpu_s - first.cpu_s) / seconds,
        periods=max(0, last.periods - first.periods),
        throttled=max(0, last.throttled - first.throttled),
        sent_bytes_per_s=max(0, last.sent_bytes - first.sent_bytes) / seconds,
        last=last,
    )


def _ask(writer: ContainerWriter, container: str, deadline: Deadline) -> Counters | None:
    stats = writer.stats(container, Deadline.after(min(CALL_S, deadline.left_s())))
    return Counters.of(stats) if stats else None
