"""A host's disks, its network and what its tasks wait for, out of /proc and /sys; what a host lacks is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# one small program reads them all; -H tells which line is of which file
COMMAND = (
    "grep -HsE '^( *-?[0-9]|some |Tcp: [0-9]|oom_kill )' /proc/diskstats /proc/pressure/cpu /proc/pressure/io "
    "/proc/pressure/memory /proc/net/snmp /proc/vmstat /sys/class/net/*/speed; echo whole /sys/block/*; "
)
_LINE = re.compile(r"(?P<path>/[^:]+):(?P<text>.*)")
# made of other devices, or of memory: they would be counted twice, or are no disks
_NO_DISKS = re.compile(r"loop|ram|zram|dm-|md|sr|fd|nbd")
_SECTOR_BYTES = 512
_MOST_SHARE = 1.0


@dataclass(slots=True)
class IoCounters:
    """What only ever grows. `disks`: by device, bytes read and written, milliseconds that it was busy; `waited_us`: by
    resource, while some task waited for it; `speed_mbit`: of the network devices that say so."""

    disks: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    waited_us: dict[str, int] = field(default_factory=dict)
    segments: int | None = None
    retransmitted: int = 0
    oom_kills: int | None = None
    speed_mbit: dict[str, int] = field(default_factory=dict)
    moved: dict[str, tuple[int, int]] = field(default_factory=dict)  # by device, bytes received and sent


def counters(lines: Iterable[str], devices: Sequence[str]) -> IoCounters:
    """`lines` is what COMMAND printed, `devices` are the lines of /proc/net/dev."""
    found = IoCounters(moved=_moved(devices))
    whole: set[str] = set()
    rows = []
    for line in lines:
        if line.startswith("whole "):
            whole = {path.rpartition("/")[2] for path in line.split()[1:]}
        elif match := _LINE.fullmatch(line):
            rows.append((match["path"], match["text"].split()))
    for path, fields in rows:
        try:
            _add(found, path, fields, whole)
        except (ValueError, IndexError):
            continue  # not as proc(5) says: it tells nothing
    return found


def _moved(devices: Sequence[str]) -> dict[str, tuple[int, int]]:
    moved = {}
    for line in devices:
        device, colon, fields = line.partition(":")
        numbers = fields.split()
        if colon and device.strip() != "lo":
            moved[device.strip()] = (int(numbers[0]), int(numbers[8]))
    return moved


def _add(found: IoCounters, path: str, fields: Sequence[str], whole: set[str]) -> None:
    if path == "/proc/diskstats":
        name = fields[2]
        if _NO_DISKS.match(name) or name not in whole:
            return
        found.disks[name] = (int(fields[5]) * _SECTOR_BYTES, int(fields[9]) * _SECTOR_BYTES, int(fields[12]))
    elif path.startswith("/proc/pressure/"):
        found.waited_us[path.rpartition("/")[2]] = int(fields[-1].partition("=")[2])
    elif path == "/proc/net/snmp":
        found.segments, found.retransmitted = int(fields[11]), int(fields[12])
    elif path == "/proc/vmstat":
        found.oom_kills = int(fields[1])
    elif int(fields[0]) > 0:
        found.speed_mbit[path.split("/")[4]] = int(fields[0])


def rates(before: IoCounters, now: IoCounters, elapsed_s: float) -> dict[str, float]:
    """`disk_read_bytes_per_s`, `disk_write_bytes_per_s` and, as shares, `disk_busy` (the busiest disk), `cpu_pressure`,
    `io_pressure`, `memory_pressure` (of the time, in which some task waited), `retransmits` (of the TCP segments) and
    `network` (of the fullest link whose speed is known); `oom_kills` in between."""
    values: dict[str, float] = {}
    disks = [(before.disks[d], v) for d, v in now.disks.items() if d in before.disks]
    if disks:
        values["disk_read_bytes_per_s"] = round(sum(max(0, n[0] - b[0]) for b, n in disks) / elapsed_s, 1)
        values["disk_write_bytes_per_s"] = round(sum(max(0, n[1] - b[1]) for b, n in disks) / elapsed_s, 1)
        values["disk_busy"] = _share(max(n[2] - b[2] for b, n in disks) / 1000 / elapsed_s)
    for resource, waited in now.waited_us.items():
        if resource in before.waited_us:
            values[f"{resource}_pressure"] = _share((waited - before.waited_us[resource]) / 1e6 / elapsed_s)
    if now.segments is not None and before.segments is not None and now.segments > before.segments:
        values["retransmits"] = _share((now.retransmitted - before.retransmitted) / (now.segments - before.segments))
    if now.oom_kills is not None and before.oom_kills is not None:
        values["oom_kills"] = float(max(0, now.oom_kills - before.oom_kills))
    used = [_used(before, now, device, elapsed_s) for device in now.speed_mbit]
    if used:
        values["network"] = _share(max(used))
    return values


def _used(before: IoCounters, now: IoCounters, device: str, elapsed_s: float) -> float:
    then, later = before.moved.get(device), now.moved.get(device)
    if then is None or later is None:
        return 0.0
    most = max(b - a for a, b in zip(then, later, strict=True))
    return most * 8 / (now.speed_mbit[device] * 1e6) / elapsed_s


def _share(value: float) -> float:
    return round(min(_MOST_SHARE, max(0.0, value)), 4)
