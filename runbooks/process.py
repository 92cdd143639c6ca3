"""A process by its number and its start: a number alone may have been used again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from faults.process import is_alive, start_ticks


@dataclass(frozen=True, slots=True)
class ProcessId:
    """`start_ticks` is when it started, in the system's own ticks."""

    pid: int
    start_ticks: int

    @classmethod
    def own(cls) -> ProcessId:
        return cls(os.getpid(), start_ticks(os.getpid()) or 0)

    @classmethod
    def read(cls, path: Path) -> ProcessId | None:
        """What `write` left in `path`; None when it is absent or broken."""
        try:
            pid, ticks = path.read_text().split()
            return cls(int(pid), int(ticks))
        except (OSError, ValueError):
            return None

    def write(self, path: Path) -> None:
        path.write_text(f"{self.pid} {self.start_ticks}\n")

    @property
    def alive(self) -> bool:
        """True while this very process runs."""
        return is_alive(self.pid, self.start_ticks)
