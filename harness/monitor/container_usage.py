"""What a container uses, from the numbers that the engine measures. The same on cgroup v1 and v2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.reach.container_facts import moment


@dataclass(frozen=True, slots=True)
class Usage:
    """One measurement. `cpu_s`, the network's and the disk's bytes only ever grow; None: the engine doesn't say."""

    at: datetime
    cpu_s: float
    online_cpus: float
    memory_bytes: float | None
    memory_limit_bytes: float | None
    processes: float | None
    received_bytes: float | None
    sent_bytes: float | None
    read_bytes: float | None
    written_bytes: float | None

    @classmethod
    def of(cls, stats: Mapping[str, Any]) -> Usage | None:
        """None where the engine measured nothing, as of a container that doesn't run. Raises KeyError, TypeError or
        ValueError for what can't be read."""
        at = moment(stats.get("read"))
        cpu, memory = stats.get("cpu_stats") or {}, stats.get("memory_stats") or {}
        total = (cpu.get("cpu_usage") or {}).get("total_usage")
        if at is None or total is None or not memory.get("usage"):
            return None
        networks = (stats.get("networks") or {}).values()
        blocks = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
        return cls(
            at=at,
            cpu_s=float(total) / 1e9,
            online_cpus=float(cpu.get("online_cpus") or len((cpu.get("cpu_usage") or {}).get("percpu_usage") or "1")),
            memory_bytes=_memory(memory),
            memory_limit_bytes=float(memory["limit"]) if memory.get("limit") else None,
            processes=_number((stats.get("pids_stats") or {}).get("current")),
            received_bytes=_sum(n.get("rx_bytes") for n in networks),
            sent_bytes=_sum(n.get("tx_bytes") for n in networks),
            read_bytes=_sum(b.get("value") for b in blocks if str(b.get("op")).lower() == "read"),
            written_bytes=_sum(b.get("value") for b in blocks if str(b.get("op")).lower() == "write"),
        )

    def levels(self) -> dict[str, float]:
        """memory_bytes, memory (a share of the limit), processes."""
        values: dict[str, float] = {}
        if self.memory_bytes is not None:
            values["memory_bytes"] = self.memory_bytes
            if self.memory_limit_bytes:
                values["memory"] = round(min(1.0, self.memory_bytes / self.memory_limit_bytes), 4)
        if self.processes is not None:
            values["processes"] = self.processes
        return values

    def rates_since(self, before: Usage, cpus: float | None) -> dict[str, float]:
        """cpu (a share of the CPUs it may use, `cpus` of them or all) and bytes per second; none over a restart."""
        seconds = (self.at - before.at).total_seconds()
        if seconds <= 0 or self.cpu_s < before.cpu_s:
            return {}
        allowed = min(cpus or self.online_cpus, self.online_cpus)
        share = (self.cpu_s - before.cpu_s) / seconds / allowed
        # the engine's clock and the kernel's accounting are not read at the same moment
        rates = {"cpu": round(min(1.0, share), 4)}
        for name, now, then in (
            ("received_bytes_per_s", self.received_bytes, before.received_bytes),
            ("sent_bytes_per_s", self.sent_bytes, before.sent_bytes),
            ("disk_read_bytes_per_s", self.read_bytes, before.read_bytes),
            ("disk_write_bytes_per_s", self.written_bytes, before.written_bytes),
        ):
            if now is not None and then is not None:
                rates[name] = round(max(0.0, now - then) / seconds, 1)
        return rates


def _memory(memory: Mapping[str, Any]) -> float:
    """Without the page cache that the kernel gives back at once, as `docker stats` shows it: `total_inactive_file` on
    cgroup v1, `inactive_file` on v2 (docker/cli, cli/command/container/stats_helpers.go)."""
    usage, details = float(memory["usage"]), memory.get("stats") or {}
    cache = float(details.get("total_inactive_file", details.get("inactive_file", 0)) or 0)
    return usage - cache if cache < usage else usage


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _sum(values: Iterable[object]) -> float | None:
    numbers = [float(v) for v in values if isinstance(v, int | float)]
    return sum(numbers) if numbers else None
