"""What of a target could be read, defects or not: enough to check the rest, and the runbook, against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from runbooks.parsing.target_entries import CacheEntry, DatabaseEntry, HostEntry, ProxyEntry
from runbooks.parsing.validation import Entry, quiet
from runbooks.target import Database, Target

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class TargetNames:
    """The names that a runbook can refer to. `provable`: proxies whose wire can be probed; `round_trip`: those of them
    whose round trip can be measured (a tcp probe only connects); `with_database`: proxies of a database; `exhaustible`:
    databases with the two further ways in that slot-exhaustion needs; `alerting`: whether alerts can be heard;
    `processes`: those that are watched, "app-1.crowdfund"."""

    proxies: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()
    caches: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    hosts_with_logs: tuple[str, ...] = ()
    provable: frozenset[str] = frozenset()
    round_trip: frozenset[str] = frozenset()
    with_database: frozenset[str] = frozenset()
    exhaustible: frozenset[str] = frozenset()
    processes: frozenset[str] = frozenset()
    alerting: bool = False
    containers: tuple[str, ...] | None = None  # the names listed; None: the target has none

    @classmethod
    def of(cls, target: Target) -> TargetNames:
        users = _through(target.databases.values()) | _through(target.caches.values())
        return cls(
            proxies=frozenset(target.proxies),
            databases=frozenset(target.databases),
            caches=frozenset(target.caches),
            hosts=frozenset(target.hosts),
            hosts_with_logs=tuple(h.name for h in target.hosts.values() if h.logs or h.commands),
            provable=users | {p.name for p in target.proxies.values() if p.probe},
            round_trip=users | {p.name for p in target.proxies.values() if p.probe == "http"},
            with_database=_through(target.databases.values()),
            exhaustible=_exhaustible(target.databases),
            processes=frozenset(f"{h.name}.{p}" for h in target.hosts.values() for p in h.processes),
            alerting=target.alerting is not None,
            containers=target.containers.names if target.containers is not None else None,
        )


@dataclass(slots=True)
class TargetDraft:
    """The entries that could be read, by name; `named` has all names, the broken entries' too."""

    proxies: dict[str, ProxyEntry] = field(default_factory=dict)
    databases: dict[str, DatabaseEntry] = field(default_factory=dict)
    caches: dict[str, CacheEntry] = field(default_factory=dict)
    hosts: dict[str, HostEntry] = field(default_factory=dict)
    named: dict[str, frozenset[str]] = field(default_factory=dict)
    alerting: bool = False
    containers: tuple[str, ...] | None = None

    @classmethod
    def of(cls, value: Mapping[str, object]) -> TargetDraft:
        sections = {key: _section(value, key) for key in ("proxies", "databases", "caches", "hosts")}
        return cls(
            proxies=_readable(ProxyEntry, sections["proxies"]),
            databases=_readable(DatabaseEntry, sections["databases"]),
            caches=_readable(CacheEntry, sections["caches"]),
            hosts=_readable(HostEntry, sections["hosts"]),
            named={key: frozenset(section) for key, section in sections.items()},
            alerting=value.get("alerting") is not None,
            containers=_listed_containers(value.get("containers")),
        )

    def names(self) -> TargetNames:
        """With a broken entry the benefit of the doubt: it may well be what the runbook needs."""
        broken_users = self._broken("databases") or self._broken("caches")
        broken_proxies = self.named["proxies"] - self.proxies.keys()
        doubt = self.named["proxies"] if broken_users else broken_proxies
        databases = _through(self.databases.values())
        users = databases | _through(self.caches.values()) | doubt
        return TargetNames(
            proxies=self.named["proxies"],
            databases=self.named["databases"],
            caches=self.named["caches"],
            hosts=self.named["hosts"],
            hosts_with_logs=tuple(name for name, host in self.hosts.items() if host.logs or host.commands),
            provable=users | {n for n, p in self.proxies.items() if p.probe},
            round_trip=users | {n for n, p in self.proxies.items() if p.probe and p.probe.http},
            with_database=self.named["proxies"] if self._broken("databases") else databases,
            exhaustible=_exhaustible(self.databases) | (self.named["databases"] - self.databases.keys()),
            processes=frozenset(f"{name}.{p}" for name, host in self.hosts.items() for p in host.processes),
            alerting=self.alerting,
            containers=self.containers,
        )

    def _broken(self, section: str) -> bool:
        return len(self.named[section]) != len(getattr(self, section))


def _section(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    section = value.get(key)
    return section if isinstance(section, dict) else {}


def _listed_containers(section: object) -> tuple[str, ...] | None:
    if section is None:
        return None
    names = section.get("names") if isinstance(section, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _readable(model: type[E], section: Mapping[str, object]) -> dict[str, E]:
    """The sound ones; the whole file's model reports the others."""
    read = {name: quiet(model, value) for name, value in section.items()}
    return {name: entry for name, entry in read.items() if entry is not None}


def _exhaustible(databases: Mapping[str, Database] | Mapping[str, DatabaseEntry]) -> frozenset[str]:
    return frozenset(name for name, d in databases.items() if d.exhaust_dsn and d.platform_dsn)


def _through(users: Iterable[object]) -> frozenset[str]:
    return frozenset(name for user in users if (name := getattr(user, "through", "")))
