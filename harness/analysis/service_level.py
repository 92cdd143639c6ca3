"""The service levels of the steady-state hypothesis, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.reach.activity import Activity

Scalar = int | float | str | bool | None
"""What an invariant is expected to answer."""

By = Literal["mean", "peak", "end"]
"""How the readings of a phase become one value; `peak` is the worst: the highest where the limit is a maximum."""


@dataclass(frozen=True, slots=True)
class RequestLevel:
    """Limits on the requests whose "METHOD name" matches the glob `requests`; None: no limit of that kind."""

    name: str
    requests: str
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    mean_ms: float | None = None
    max_ms: float | None = None
    error_rate: float | None = None


@dataclass(frozen=True, slots=True)
class ReadingLevel:
    """A limit on a reading such as "app-1.cpu", or on the same reading of several sources, "*.cpu"; at least one
    limit is set. `sources`: those that must have been heard of, where they are known beforehand."""

    name: str
    reading: str
    max: float | None = None
    min: float | None = None
    by: By = "mean"
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrashLevel:
    """Nothing that matches the glob `of` ("container.api", "database.*") dies or is started again unasked."""

    name: str
    of: str = "*"


@dataclass(frozen=True, slots=True)
class QueryLevel:
    """An invariant: the single value that `sql` answers on `database` equals `equals`, or, where it is to be
    `unchanged`, what it was before the faults."""

    name: str
    database: str
    sql: str
    equals: Scalar = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What a text answer must be. `contains`: a part of it. `compared`: the whole of it is compared, with `equals`
    or, where it is to be `unchanged`, with what it was before the faults."""

    contains: str | None = None
    compared: bool = False
    equals: Scalar = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class UrlLevel:
    """An invariant: a GET of `get` (a path below the target's base URL, or a whole address) answers with `status`
    and `content`. With `json` the content is the value at that dotted path of a JSON document."""

    name: str
    get: str
    status: int = 200
    json: str | None = None
    content: Content = Content()


@dataclass(frozen=True, slots=True)
class CommandLevel:
    """An invariant: the command `run` on `host` ends with `exit_code` and writes `content`."""

    name: str
    host: str
    run: str
    exit_code: int = 0
    content: Content = Content()


@dataclass(frozen=True, slots=True)
class ProbeLevel:
    """An invariant: a probe of a Chaos Toolkit extension answers within its own tolerance."""

    name: str
    probe: Activity


Invariant = QueryLevel | UrlLevel | CommandLevel | ProbeLevel
ServiceLevel = RequestLevel | ReadingLevel | CrashLevel | Invariant
