"""The service levels of the steady-state hypothesis, as values."""

from __future__ import annotations

from dataclasses import dataclass


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
    """A limit on a reading such as "app-1.cpu", judged by its mean over the phase; at least one limit is set."""

    name: str
    reading: str
    max: float | None = None
    min: float | None = None


@dataclass(frozen=True, slots=True)
class QueryLevel:
    """An invariant: the single value that `sql` answers on `database` equals `equals`."""

    name: str
    database: str
    sql: str
    equals: int | float | str | bool | None


ServiceLevel = RequestLevel | ReadingLevel | QueryLevel
