"""A target file, read into a frozen `Target` with every defect at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runbooks.parsing.alerting_entry import check_alerting, read_alerting
from runbooks.parsing.bounds_entry import check_hours, check_live_keys, read_blast_radius, read_hours, read_live_keys
from runbooks.parsing.containers_entry import check_containers, read_containers
from runbooks.parsing.defects import Defects
from runbooks.parsing.draft import TargetDraft, TargetNames
from runbooks.parsing.process_entry import check_processes
from runbooks.parsing.reference import References
from runbooks.parsing.target_checks import TargetChecks
from runbooks.parsing.target_entries import EXTRA_DSNS, DatabaseEntry, HostEntry, ProxyEntry, TargetFile, ToxiproxyEntry
from runbooks.parsing.validation import Checked
from runbooks.parsing.yaml_source import YamlSource, read_yaml
from runbooks.target import Cache, Database, Host, Proxy, Secret, Target, Toxiproxy

STATE_FOLDER = ".gameday"
"""Beside the target file: where a managed server lives that was given no folder."""


@dataclass(frozen=True, slots=True)
class TargetReading:
    """What came of the file: `target` only where there is no defect, `names` unless nothing could be read."""

    target: Target | None
    names: TargetNames | None
    defects: Defects


def read_target(
    path: Path, environment: Mapping[str, str], text: str | None = None, allow_also: tuple[str, ...] = ()
) -> TargetReading:
    """Reads and checks the file, or `text` as if it stood there; never raises for what it says. `allow_also`: what the
    command line adds to its allow list."""
    defects = Defects(str(path))
    source = read_yaml(path, defects, References(environment, path.parent).expand, text)
    if source is None:
        return TargetReading(None, None, defects)
    checked = Checked(source, defects)
    entries = checked.model(TargetFile, source.value, ())
    draft = TargetDraft.of(source.value)
    checks = TargetChecks(checked, draft, allow_also)
    checks.run()
    check_alerting(checked, checks.address)
    check_containers(checked)
    check_processes(checked, draft)
    check_hours(checked)
    check_live_keys(checked, draft.named["hosts"], checks.address)
    target = None
    if entries is not None and not defects:
        target = _Build(path, source, entries).target(checks, allow_also)
    return TargetReading(target, draft.names(), defects)


class _Build:
    def __init__(self, path: Path, source: YamlSource, entries: TargetFile) -> None:
        self._path = path
        self._source = source
        self._entries = entries

    def target(self, checks: TargetChecks, allow_also: tuple[str, ...]) -> Target:
        entries = self._entries
        return Target(
            path=self._path,
            text=self._source.text,
            name=entries.name or self._path.stem,
            environment=entries.environment,
            base_url=entries.base_url.rstrip("/"),
            allow=(*entries.allow, *allow_also),
            toxiproxy=self._toxiproxy(entries.toxiproxy),
            proxies={name: _proxy(name, p) for name, p in entries.proxies.items()},
            databases={name: self._database(name, d) for name, d in entries.databases.items()},
            caches={
                name: Cache(name, self._secret(("caches", name, "url"), c.url), self._listed(c.through))
                for name, c in entries.caches.items()
            },
            hosts={name: self._host(name, h) for name, h in entries.hosts.items()},
            containers=read_containers(entries.containers),
            alerting=read_alerting(self._source, entries.alerting),
            hidden=tuple(dict.fromkeys(checks.hidden)),
            warnings=tuple(checks.warnings),
            hours=read_hours(entries.hours),
            blast_radius=read_blast_radius(entries.blast_radius),
            live_keys=read_live_keys(entries.live_keys),
            allow_also=allow_also,
        )

    def _database(self, name: str, entry: DatabaseEntry) -> Database:
        ways = {key: self._given(("databases", name, key), getattr(entry, key)) for key in EXTRA_DSNS}
        return Database(name, self._secret(("databases", name, "dsn"), entry.dsn), self._listed(entry.through), **ways)

    def _given(self, place: tuple[str, ...], value: str | None) -> Secret | None:
        return None if value is None else self._secret(place, value)

    def _listed(self, proxy: str) -> str:
        return proxy if proxy in self._entries.proxies else ""

    def _secret(self, place: tuple[str, ...], value: str) -> Secret:
        return Secret(reference=self._source.written(place, value), value=value)

    def _toxiproxy(self, entry: ToxiproxyEntry | None) -> Toxiproxy | None:
        if entry is None:
            return None
        folder = self._path_of(entry.folder)
        if entry.managed and folder is None:
            # always the same, so that a later command finds the server again
            folder = (self._path.parent / STATE_FOLDER / f"toxiproxy-{self._path.stem}").resolve()
        url = (entry.url or "").rstrip("/")
        return Toxiproxy(managed=entry.managed, url=url, folder=folder, host=entry.host or "")

    def _host(self, name: str, entry: HostEntry) -> Host:
        return Host(
            name=name,
            ssh=entry.ssh,
            logs=tuple(entry.logs),
            commands=tuple(entry.commands),
            identity=self._path_of(entry.identity),
            known_hosts=self._path_of(entry.known_hosts),
            processes=dict(entry.processes),
        )

    def _path_of(self, text: str | None) -> Path | None:
        """Relative to the file."""
        return (self._path.parent / Path(text).expanduser()).resolve() if text else None


def _proxy(name: str, entry: ProxyEntry) -> Proxy:
    if entry.probe is None:
        return Proxy(name, entry.listen, entry.upstream)
    if entry.probe.http is None:
        return Proxy(name, entry.listen, entry.upstream, probe="tcp")
    return Proxy(name, entry.listen, entry.upstream, probe="http", probe_path=entry.probe.http)
