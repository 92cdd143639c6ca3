"""The names of readings: "app-1.cpu", "database.main.active", "cache.main.hit_rate", "container.api.memory"."""

from __future__ import annotations

from collections.abc import Mapping

from runbooks.parsing.draft import TargetNames
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked
from runbooks.parsing.yaml_source import Place

# what the monitors of a host, a database and a cache can tell (harness/monitor)
HOST = (
    "cpu",
    "steal",
    "iowait",
    "memory",
    "swap",
    "disk",
    "load",
    "cpus",
    "received_bytes_per_s",
    "sent_bytes_per_s",
    "memory_available_bytes",
    "disk_read_bytes_per_s",
    "disk_write_bytes_per_s",
    "disk_busy",
    "cpu_pressure",
    "io_pressure",
    "memory_pressure",
    "retransmits",
    "network",
    "oom_kills",
)
PROCESS = (
    "cpu",
    "busiest_thread",
    "cpu_wait",
    "memory_bytes",
    "processes",
    "threads",
    "open_files",
    "oldest_age_s",
    "io_waiting",
    "read_bytes_per_s",
    "write_bytes_per_s",
    "output_bytes_per_s",
)
DATABASE = (
    "connections",
    "active",
    "idle",
    "idle_in_transaction",
    "waiting",
    "blocked",
    "wait_lock",
    "wait_lwlock",
    "wait_io",
    "wait_ipc",
    "wait_client",
    "wait_none",
    "longest_transaction_s",
    "longest_query_s",
    "max_connections",
    "reserved",
    "hidden",
)
CACHE = (
    "clients",
    "blocked_clients",
    "used_memory_bytes",
    "max_memory_bytes",
    "hits_per_s",
    "misses_per_s",
    "ops_per_s",
    "evicted_per_s",
    "hit_rate",
)
CONTAINER = (
    "running",
    "restarts",
    "health",
    "cpu",
    "memory",
    "memory_bytes",
    "processes",
    "received_bytes_per_s",
    "sent_bytes_per_s",
    "disk_read_bytes_per_s",
    "disk_write_bytes_per_s",
)
_WAITED = frozenset({"cpu_pressure", "io_pressure", "memory_pressure", "cpu_wait", "busiest_thread", "disk_busy"})
SHARES = _WAITED | {"cpu", "steal", "iowait", "memory", "swap", "disk", "hit_rate", "network", "retransmits"}
"""Readings that are a share of 0..1."""


def check_reading(reading: str, place: Place, checked: Checked, names: TargetNames | None) -> None:
    """Defects for an unknown source, or an unknown reading of it."""
    source, dot, name = reading.rpartition(".")
    if not dot:
        mend = "write SOURCE.READING, such as app-1.cpu, database.main.active or cache.main.hit_rate"
        checked.defect(place, f"{reading!r} names no source", mend)
        return
    if names is not None:
        _check_source(source, reading, place, checked, names)
    known = readings_of(source, names)
    if name not in known:
        checked.defect(place, f"unknown reading {name!r} of {source}", suggest(name, known, what="its readings are"))


def check_limits(reading: str, place: Place, limits: Mapping[str, float | None], checked: Checked) -> None:
    """Defects for limits (by their keys, beside `place`) that a share can't reach."""
    name = reading.rpartition(".")[2]
    for key, limit in limits.items():
        if name in SHARES and limit is not None and limit > 1:
            what = f"{key}: {name} is a share between 0% and 100%, and {limit:g} is more"
            checked.defect((*place[:-1], key), what, f"write {limit:g}%")


def _check_source(source: str, reading: str, place: Place, checked: Checked, names: TargetNames) -> None:
    if source.startswith("container."):
        # which there are, only the engine knows: preflight asks it
        if names.containers is None:
            mend = "add containers: {labels: {...}} to the target"
            checked.defect(place, f"{reading!r}: the target has no containers", mend)
        return
    sources = {
        *names.hosts,
        *(f"database.{name}" for name in names.databases),
        *(f"cache.{name}" for name in names.caches),
        *(f"container.{name}" for name in names.containers or ()),
        *names.processes,
    }
    if source not in sources:
        checked.defect(
            place, f"{reading!r}: unknown source {source!r}", suggest(source, sources, what="the target's sources are")
        )


def readings_of(source: str, names: TargetNames | None) -> tuple[str, ...]:
    """The readings that a source has."""
    if names is not None and source in names.processes:
        return PROCESS
    if source.startswith("database."):
        return DATABASE
    if source.startswith("container."):
        return CONTAINER
    if source.startswith("cache."):
        return CACHE
    if "." not in source or (names is not None and source in names.hosts):
        return HOST
    # "app-1.crowdfund" may be meant for a process: of an unknown source both are
    return tuple(dict.fromkeys((*HOST, *PROCESS)))
