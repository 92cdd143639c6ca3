"""What a target says of itself that bounds a game day: when, how much at once, and whose keys it must not hold."""

from __future__ import annotations

from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT_MIN = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """Times of day at which game days may be played: on `days` (0 is Monday) from `begin_min` to `end_min`, in minutes
    since midnight on the clocks of `zone`. An end before the begin is on the next day."""

    days: frozenset[int]
    begin_min: int
    end_min: int
    zone: str

    def __str__(self) -> str:
        return f"{_spoken(self.days)} {_time(self.begin_min)}-{_time(self.end_min)} {self.zone}"


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """The most that the faults of a runbook may hit at the same time; None: any. `containers`: a number, or a share of
    them all (`containers_share`). `sessions`: taken from a database or cache. `longest_s`: of one fault."""

    faults_at_once: int | None = None
    proxies: int | None = None
    databases: int | None = None
    caches: int | None = None
    hosts: int | None = None
    containers: int | None = None
    containers_share: float | None = None
    sessions: int | None = None
    longest_s: float | None = None


@dataclass(frozen=True, slots=True)
class LiveKey:
    """Where a payment key stands, and the `pattern` of those that move real money (`*` for anything): in the
    environment variable `env` of this machine, in a `file` of a `host` (of this machine: ""), or in what a `url`
    answers."""

    name: str
    pattern: str
    env: str = ""
    host: str = ""
    file: str = ""
    url: str = ""

    @property
    def where(self) -> str:
        if self.env:
            return f"the environment variable {self.env}"
        return self.url or (f"{self.host}:{self.file}" if self.host else self.file)


def _spoken(days: frozenset[int]) -> str:
    ordered = sorted(days)
    if len(ordered) == 7:
        return "every day"
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{DAYS[ordered[0]]}-{DAYS[ordered[-1]]}"
    return ", ".join(DAYS[day] for day in ordered)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
