"""The hosts of a run and the processes watched on them, with what each used in the trouble."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.analysis.case import Case, Sample
from harness.journal.record import EvidencePiece, Readings

_OTHERS = ("database.", "cache.", "container.")
# what serves data: it is busy because it was asked, and its own rules tell by what
_DATA = re.compile(r"postgres|pgsql|pgbouncer|mysql|maria|redis|valkey|mongo|database", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Machine:
    """A source of readings in the trouble: a host (`host` is "") or a process on one."""

    case: Case
    source: str
    host: str = ""

    def sample(self, name: str) -> Sample | None:
        return self.case.sample_during(self.source, name)

    def mean(self, name: str) -> float:
        """0 where it was not read."""
        sample = self.sample(name)
        return sample.mean if sample is not None else 0.0

    def on_host(self, name: str) -> float:
        """The mean of a reading of its host."""
        sample = self.case.sample_during(self.host or self.source, name)
        return sample.mean if sample is not None else 0.0

    @property
    def cores(self) -> float:
        """How many processors it kept busy."""
        return self.mean("cpu") * max(1.0, self.on_host("cpus"))

    @property
    def wanted_cores(self) -> float:
        """How many it would have kept busy, had nobody taken them from it: what it waited for, it wanted."""
        waited, stolen = min(0.85, self.mean("cpu_wait")), min(0.5, self.on_host("steal"))
        return self.cores / (1 - waited) / (1 - stolen)

    @property
    def serves_data(self) -> bool:
        return _DATA.search(self.source) is not None

    def piece(self, name: str, text: str) -> EvidencePiece | None:
        return self.case.reading_piece(self.source, name, text)


def hosts(case: Case) -> tuple[Machine, ...]:
    """Those that were read in the trouble."""
    found = _values(case)
    return tuple(Machine(case, source) for source, names in sorted(found.items()) if {"load", "memory"} <= names)


def processes(case: Case) -> tuple[Machine, ...]:
    """The watched processes that were there in the trouble, the busiest first."""
    found = _values(case)
    known = {machine.source for machine in hosts(case)}
    there = [
        Machine(case, source, host)
        for source, names in found.items()
        if "threads" in names and "memory_bytes" in names and (host := source.rpartition(".")[0]) in known
    ]
    return tuple(sorted(there, key=lambda m: -m.mean("cpu")))


def _values(case: Case) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in case.trouble.readings(case.view.of(Readings)):
        if not record.source.startswith(_OTHERS):
            found.setdefault(record.source, set()).update(record.values)
    return found


def in_words(size: float) -> str:
    """Bytes for people."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:.0f} bytes"


def is_data(source: str) -> bool:
    """Whether a source, by its name, serves data."""
    return _DATA.search(source) is not None
