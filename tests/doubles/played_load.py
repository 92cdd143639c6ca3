"""A load as it is played: the real Locust, what it emitted, and what of it is still alive."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from eventually import until
from failing_platform import PlatformServer

from harness.clock import Clock, Deadline, boot_s
from harness.journal.record import LoadEnded, LoadStopped, Record, Window
from harness.load.locust_process import LoadSpec, LocustProcess

LOCUSTFILES = Path(__file__).parents[1] / "integration" / "locustfiles"
R = TypeVar("R", bound=Record)


class Load:
    """A load with what it emitted, and when."""

    def __init__(self, tmp_path: Path, platform: PlatformServer) -> None:
        self.tmp_path, self.platform = tmp_path, platform
        self.clock = Clock.start()
        self.records: list[Record] = []
        self.heard_s: list[float] = []
        self.process: LocustProcess | None = None

    def start(self, file: str | Path, *args: str, users: int | None = 10, **spec: object) -> LocustProcess:
        self.process = LocustProcess(self.spec(file, *args, users=users, **spec), self.clock, self._emit)
        self.process.start(Deadline.after(15))
        return self.process

    def spec(self, file: str | Path, *args: str, users: int | None = 10, **spec: object) -> LoadSpec:
        fields = {"spawn_rate": 100.0, "cwd": self.tmp_path, "log": self.tmp_path / "locust.log", "args": args, **spec}
        return LoadSpec(locustfile=LOCUSTFILES / file, host=self.platform.url, users=users, **fields)  # type: ignore[arg-type]

    def _emit(self, record: Record) -> None:
        self.heard_s.append(self.clock.now_s())
        self.records.append(record)

    def of(self, kind: type[R]) -> list[R]:
        return [r for r in self.records if isinstance(r, kind)]

    @property
    def windows(self) -> list[Window]:
        return self.of(Window)

    def until(self, condition: Callable[[], object], within_s: float = 30.0) -> None:
        until(condition, within_s, lambda: (self.tmp_path / "locust.log").read_text()[-3000:])

    def count(self, name: str) -> int:
        return sum(w.names[name].requests for w in self.windows if name in w.names)

    def failures(self, name: str) -> dict[str, int]:
        total: dict[str, int] = {}
        for window in self.windows:
            for kind, count in window.names[name].failures.items() if name in window.names else ():
                total[kind] = total.get(kind, 0) + count
        return total

    @property
    def names(self) -> set[str]:
        return {name for w in self.windows for name in w.names}


def living(pgid: int) -> list[int]:
    """The processes of a group, zombies left out; written anew here, not with the code under test."""
    listing = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, group, state in rows if int(group) == pgid and state[0] not in "ZX"]


def stop_case(load: Load, *, grace_s: float = 0.3) -> LoadStopped:
    assert load.process
    pgid = load.process.pgid
    begun = boot_s()
    stopped = load.process.stop(grace_s)
    took_s = boot_s() - begun
    assert living(pgid) == []
    assert took_s < 1.0
    assert not load.process.alive
    assert load.process.stop() == stopped
    assert not load.of(LoadEnded)
    return stopped
