"""A host's resources, read over SSH from /proc and df: one command a reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.clock import Deadline
from harness.errors import ReachFailed
from harness.journal.record import CrashSeen
from harness.monitor import host_io
from harness.monitor.host_io import IoCounters
from harness.monitor.process_command import MARK as _MARK
from harness.monitor.process_watch import ProcessWatch
from harness.reach import foreign_clock
from harness.reach.foreign_clock import ForeignTime
from harness.reach.remote_command import CommandResult

# df may wait for ever on a dead network disk: it looks at local ones only, where it can (busybox can't)
_COMMAND = (
    "for f in uptime stat meminfo loadavg net/dev; do "
    f'echo "{_MARK}$f"; cat "/proc/$f" || exit 3; done; '
    f'echo "{_MARK}df"; df -kPl 2>/dev/null || df -kP 2>/dev/null; '
    f'echo "{_MARK}io"; {host_io.COMMAND}'
)
_PROCESSES = f'echo "{_MARK}processes"; '
_END = f'echo "{_MARK}end"'
_MAX_BYTES = 1 << 20
_MEMORY = ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
_PSEUDO = ("tmpfs", "devtmpfs", "udev", "none", "shm", "overlay", "efivarfs", "cgroup", "squashfs", "/dev/loop")
_NOT_ONES_OWN = ("/proc", "/sys", "/dev", "/run", "/snap")
_DF_LINE = re.compile(r"(?P<device>.+?)\s+\d+\s+(?P<used>\d+)\s+(?P<free>-?\d+)\s+(?:\d+%|-)\s+(?P<mount>/.*)")


class HostDoor(Protocol):
    """What a reading needs of the door to the host."""

    def run(self, command: str, deadline: Deadline, *, max_bytes: int = ...) -> CommandResult: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Counters:
    """What only ever grows: seconds since boot, CPU ticks, bytes."""

    uptime_s: float
    busy: int
    steal: int
    iowait: int
    total: int
    received: int
    sent: int
    io: IoCounters


class HostSource:
    """Readings of one host, and of the processes on it that are watched.

    Shares 0..1: `cpu` (busy), `steal`, `iowait`, `memory` and `swap` (used), `disk` (the fullest real filesystem).
    Numbers: `load` (average of one minute), `cpus`, `memory_available_bytes`, `received_bytes_per_s`,
    `sent_bytes_per_s`; and those of `host_io.rates`. What is a rate needs two readings, so the first one is without.

    A watched process has readings of its own, as `parts`: `cpu` (the share of the host's CPU, as the host's `cpu`),
    `busiest_thread` (its busiest thread's share of one processor), `cpu_wait` (of the time that its threads could have
    run, the share that they waited for a processor), `memory_bytes` (what each of its processes has for itself, and
    once what they share), `processes`, `threads`, `oldest_age_s`, `io_waiting` (threads that wait for a disk at that
    moment), `read_bytes_per_s` and `write_bytes_per_s` (to and from disks), `output_bytes_per_s` (all that it writes,
    sockets included) and `open_files`. The last four need an account that may look: root, or the process's own.
    """

    def __init__(
        self, name: str, door: HostDoor, *, processes: Mapping[str, str] | None = None, timeout_s: float = 3.0
    ) -> None:
        """`processes`: what is watched, by name: a part of the command line, with `*` for anything."""
        self.name = name
        self._door = door
        self._timeout_s = timeout_s
        self._before: _Counters | None = None
        self._watch = ProcessWatch(name, processes or {})
        self._command = _COMMAND + (_PROCESSES + self._watch.command if processes else "") + _END
        self._parts: dict[str, dict[str, float]] = {}
        self.watched = tuple(f"{name}.{process}" for process in processes or {})

    def read(self) -> dict[str, float]:
        """One reading. Raises ReachFailed when the host does not answer in time or answers something else."""
        result = self._door.run(self._command, Deadline.after(self._timeout_s), max_bytes=_MAX_BYTES)
        if result.exit_code != 0 or result.truncated:
            said = result.stderr.decode("utf-8", "replace").strip()[:200]
            raise ReachFailed(f"no reading: exit code {result.exit_code}: {said}", where=self.name)
        sections = _sections(result.stdout.decode("utf-8", "replace"))
        try:
            counters = _counters(sections)
            return _levels(sections) | self._since_the_last(counters, sections.get("processes", []))
        except (LookupError, ValueError, ArithmeticError) as error:
            raise ReachFailed(
                f"no reading: {error!r} in what the host says", where=self.name, mend="it must be Linux with /proc"
            ) from error

    def _since_the_last(self, counters: _Counters, processes: list[str]) -> dict[str, float]:
        """The rates, and what the watched processes did; without rates at the first reading."""
        before, self._before = self._before, counters
        seconds = counters.uptime_s - before.uptime_s if before else 0.0
        ticks = counters.total - before.total if before else 0
        if seconds <= 0 or ticks <= 0:  # the first, or the host was started anew in between
            before = None
        self._parts = self._watch.read(processes, counters.uptime_s, seconds if before else 0.0, ticks)
        return _rates(before, counters) if before else {}

    def time(self) -> ForeignTime:
        """What the host's clock says. Raises ReachFailed."""
        result = self._door.run(foreign_clock.COMMAND, Deadline.after(self._timeout_s), max_bytes=_MAX_BYTES)
        return foreign_clock.host_time(result.stdout.decode("utf-8", "replace"))

    def parts(self) -> dict[str, dict[str, float]]:
        """The watched processes' readings at the last read, by their source."""
        return self._parts

    def new_crashes(self) -> tuple[CrashSeen, ...]:
        """The watched processes that died since the last call."""
        return self._watch.new_crashes()

    def close(self) -> None:
        """Close the door to the host."""
        self._door.close()


def _sections(text: str) -> dict[str, list[str]]:
    """The lines of each section by its name; what a login shell prints before the first is left out."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(_MARK):
            lines = found.setdefault(line.removeprefix(_MARK), [])
        elif line.strip():
            lines.append(line)
    if "end" not in found:
        raise ReachFailed("no reading: the answer is incomplete")
    return found


def _counters(sections: dict[str, list[str]]) -> _Counters:
    ticks = [int(f) for f in _line(sections["stat"], "cpu ").split()[1:]]
    # guest time is counted in user time already; idle and waiting for the disk are not busy
    user, nice, system, idle, iowait, irq, softirq, steal = ticks[:8]
    busy = user + nice + system + irq + softirq + steal
    received = sent = 0
    for line in sections["net/dev"]:
        device, colon, fields = line.partition(":")
        if colon and device.strip() != "lo":
            numbers = fields.split()
            received += int(numbers[0])
            sent += int(numbers[8])
    return _Counters(
        uptime_s=float(sections["uptime"][0].split()[0]),
        busy=busy,
        steal=steal,
        iowait=iowait,
        total=busy + idle + iowait,
        received=received,
        sent=sent,
        io=host_io.counters(sections.get("io", []), sections["net/dev"]),
    )


def _levels(sections: dict[str, list[str]]) -> dict[str, float]:
    memory = {line.partition(":")[0]: line.partition(":")[2] for line in sections["meminfo"]}
    total, available, swap, swap_free = (int(memory[key].split()[0]) for key in _MEMORY)
    values = {
        "memory": round(1 - available / total, 4),
        "memory_available_bytes": available * 1024.0,
        "swap": round(1 - swap_free / swap, 4) if swap else 0.0,
        "load": float(sections["loadavg"][0].split()[0]),
        "cpus": float(sum(1 for line in sections["stat"] if re.match(r"cpu\d", line))),
    }
    disks = [share for line in sections["df"] if (share := _disk_share(line)) is not None]
    if disks:
        values["disk"] = round(max(disks), 4)
    return values


def _disk_share(line: str) -> float | None:
    """The used share of a real filesystem, as df counts it; None for what is none."""
    found = _DF_LINE.fullmatch(line.strip())
    if found is None:
        return None
    mount = found["mount"]
    inside = any(mount == top or mount.startswith(f"{top}/") for top in _NOT_ONES_OWN)
    if mount != "/" and (inside or found["device"].startswith(_PSEUDO)):
        return None
    used, free = int(found["used"]), max(0, int(found["free"]))
    return used / (used + free) if used + free else None


def _rates(before: _Counters, now: _Counters) -> dict[str, float]:
    """Shares and bytes per second between two readings."""
    seconds = now.uptime_s - before.uptime_s
    ticks = now.total - before.total
    shares = {
        "cpu": (now.busy - before.busy) / ticks,
        "steal": (now.steal - before.steal) / ticks,
        "iowait": (now.iowait - before.iowait) / ticks,
    }
    network = {
        "received_bytes_per_s": (now.received - before.received) / seconds,
        "sent_bytes_per_s": (now.sent - before.sent) / seconds,
    }
    # the kernel's iowait and interface counters may go backwards
    return {
        **{key: round(min(1.0, max(0.0, share)), 4) for key, share in shares.items()},
        **{key: round(max(0.0, rate), 1) for key, rate in network.items()},
        **host_io.rates(before.io, now.io, seconds),
    }


def _line(lines: list[str], start: str) -> str:
    return next((line for line in lines if line.startswith(start)), "")
