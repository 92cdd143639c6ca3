"""Records of what was seen of the load and the platform: windows, readings, gaps, crashes, alerts, work."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.journal.base import Record
from harness.journal.work import Blocker, Setting, StatementWork, TableShape, TableWork

FailureKind = Literal["http", "timeout", "connection", "application"]
FAILURE_KINDS: tuple[FailureKind, ...] = ("http", "timeout", "connection", "application")


class RequestStats(BaseModel):
    """One request name in one window. `failures` are counted in `requests` too; `histogram` holds every
    completed request, failed ones included (buckets of `harness.journal.histogram`)."""

    model_config = ConfigDict(frozen=True)

    requests: int = 0
    failures: dict[FailureKind, int] = Field(default_factory=dict)
    histogram: dict[int, int] = Field(default_factory=dict)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


class Window(Record):
    """At most 250 ms of load: [start, end), all load processes merged. `names` is keyed by "METHOD name"."""

    kind: Literal["window"] = "window"
    start: float
    end: float
    names: dict[str, RequestStats] = Field(default_factory=dict)
    users: int = 0
    in_flight: int = 0
    oldest_in_flight_s: float = 0.0
    task_errors: int = 0
    lag_ms: float = 0.0
    cpu: float = 0.0  # of one core, the busiest load process
    processes: int = 1

    @property
    def requests(self) -> int:
        return sum(s.requests for s in self.names.values())

    @property
    def failed(self) -> int:
        return sum(s.failed for s in self.names.values())


class Readings(Record):
    """Values of one source at one time: source "app-1" with {"cpu": 0.42} is the reading `app-1.cpu`.

    Sources: a host by its name, a database as `database.<name>`, a cache as `cache.<name>`.
    """

    kind: Literal["readings"] = "readings"
    source: str
    values: dict[str, float]


class Gap(Record):
    """A reading, a window or a proof that could not be had, and why. Unknown is not success."""

    kind: Literal["gap"] = "gap"
    source: str
    reason: str


class CrashSeen(Record):
    """Something of the platform died or was started again unasked: a container, a process, a database, a cache.

    `source` is the source of its readings: "container.api", "app-1.crowdfund" (a process watched on a host),
    "database.main", "cache.main". `exit_code` and `at` (None: not known exactly) are what the platform says.
    """

    kind: Literal["crash"] = "crash"
    source: str
    what: Literal["exited", "restarted", "oom-killed"]
    text: str  # one sentence with what was seen
    exit_code: int | None = None
    at: float | None = None


class AlertSeen(Record):
    """What the platform's alerting said of an alert: it began to fire (or fires, but silenced), or is over.

    `t` is when we heard of it; `since` when it began, as the alerting says (None: it doesn't say).
    """

    kind: Literal["alert"] = "alert"
    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    state: Literal["firing", "suppressed", "resolved"]
    since: float | None = None
    source: str = ""  # "Alertmanager" or "webhook"


class DatabaseDescribed(Record):
    """A database as it was found: its version, the settings that matter, its largest tables."""

    kind: Literal["database-described"] = "database-described"
    source: str  # "database.main"
    version: str
    settings: tuple[Setting, ...] = ()
    tables: tuple[TableShape, ...] = ()


class DatabaseWork(Record):
    """What a database did from `start` to `end`: the difference of its cumulative counters. `statements` are the
    first by time and by calls, of this database alone, gameday's own left out."""

    kind: Literal["database-work"] = "database-work"
    source: str
    start: float
    end: float
    statements: tuple[StatementWork, ...] = ()
    tables: tuple[TableWork, ...] = ()
    transactions: int = 0
    rollbacks: int = 0
    deadlocks: int = 0
    temp_bytes: int = 0
    reset: bool = False  # somebody set counters back meanwhile: there was more work than is told


class LockWaits(Record):
    """Several looks at the sessions between `start` and `end`. `waits`: sessions per look by what they wait for,
    such as {"Lock:relation": 2.4, "none": 0.2} ("none": at work)."""

    kind: Literal["lock-waits"] = "lock-waits"
    source: str
    start: float
    end: float
    samples: int
    blocked_samples: int = 0  # looks in which anybody waited for another session's lock
    blocked: float = 0.0  # sessions per look that did
    most_blocked: int = 0
    waits: dict[str, float] = Field(default_factory=dict)
    roots: tuple[Blocker, ...] = ()
    relations: tuple[str, ...] = ()  # what is waited for
    wanted: tuple[str, ...] = ()  # in which lock modes
    statements: tuple[str, ...] = ()  # of those who wait
    running: dict[str, float] = Field(default_factory=dict)  # sessions per look at work on a statement, by its id


class CacheWork(Record):
    """What a cache did from `start` to `end`; keys, memory and the slow log are as they were at the end."""

    kind: Literal["cache-work"] = "cache-work"
    source: str
    start: float
    end: float
    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0
    commands: int = 0
    errors: int = 0  # answers that were errors
    refused_writes: int = 0  # of them: out of memory
    rejected_connections: int = 0
    keys: int = 0
    used_memory_bytes: int = 0
    max_memory_bytes: int = 0
    policy: str = ""
    slow_commands: int | None = None  # in the slow log that are new
    reset: bool = False
