"""The dependencies that a platform may lose, and what losing each looks like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.analysis.case import Case
from harness.analysis.log_signature import (
    HTTP_REFUSED,
    HTTP_SILENT,
    POSTGRES_REFUSED,
    REDIS_REFUSED,
    REDIS_SILENT,
)
from harness.analysis.outage import Outage, find_outage
from harness.analysis.sessions import Sessions, cache_sessions, database_sessions


@dataclass(frozen=True, slots=True)
class Dependency:
    """`label` names it for a person. `refused`, `silent`: regular expressions over log lines; "" where no library
    says so. `sessions`: the platform's connections to it, None where they were not read. `outage`: our own readings of
    it fail."""

    label: str
    role: Literal["database", "cache", "service"]
    proxy: str
    source: str
    refused: str
    silent: str
    sessions: Sessions | None = None
    outage: Outage | None = None


def dependencies(case: Case) -> Iterator[Dependency]:
    """The databases and caches of the target, and the services behind the other proxies that a fault was on."""
    for name, proxy in case.databases.items():
        source = f"database.{name}"
        yield Dependency(
            label=f"the database {name}",
            role="database",
            proxy=proxy,
            source=source,
            refused=POSTGRES_REFUSED,
            silent="",
            sessions=database_sessions(case, name),
            outage=find_outage(case, source, proxy),
        )
    for name, proxy in case.caches.items():
        source = f"cache.{name}"
        yield Dependency(
            label=f"the cache {name}",
            role="cache",
            proxy=proxy,
            source=source,
            refused=REDIS_REFUSED,
            silent=REDIS_SILENT,
            sessions=cache_sessions(case, name),
            outage=find_outage(case, source, proxy),
        )
    known = {*case.databases.values(), *case.caches.values()}
    others = sorted({f.proxy for f in case.faults if f.proxy and f.proxy not in known})
    for proxy in others or [""]:
        label = f"the service behind {proxy}" if proxy else "a service that the application calls"
        yield Dependency(label, "service", proxy, "", HTTP_REFUSED, HTTP_SILENT)
