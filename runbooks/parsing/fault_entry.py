"""A fault as a person writes it: the keys of every fault, and those of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from faults.catalog import KINDS, all_kinds, kind_named, plugins
from faults.fault import FaultPlan, PlaceKind
from runbooks.parsing import toolkit_entry
from runbooks.parsing.amount import Moment, Stretch, Text
from runbooks.parsing.cache_timing import check_caches
from runbooks.parsing.container_faults import check_container_faults, check_has_containers, with_container
from runbooks.parsing.database_timing import check_databases
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.fault_timing import check_timing
from runbooks.parsing.host_faults import check_host_faults
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked, Entry, known_keys
from runbooks.parsing.yaml_source import Place

_OTHER_WORDS = {"direction": "stream", "timeout": "after", "limit": "bytes"}
"""Words of Toxiproxy and of its users for what is another key here."""


class Kind(Protocol):
    """What is asked of a fault kind of the catalog."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def params(self) -> type[BaseModel]: ...

    @property
    def needs_database(self) -> bool: ...

    @property
    def needs_round_trip(self) -> bool: ...

    @property
    def on(self) -> PlaceKind: ...


class FaultEntry(Entry):
    """The keys of every fault."""

    model_config = ConfigDict(extra="ignore")

    name: Text
    kind: Text
    proxy: Text | None = Field(default=None, description="the target's proxy that the fault sits on")
    database: Text | None = Field(default=None, description="the target's database that the fault sits on")
    cache: Text | None = Field(default=None, description="the target's cache that the fault sits on")
    container: Text | None = Field(default=None, description="the containers that the fault sits on: a name, or a glob")
    host: Text | None = Field(default=None, description="the target's host that the fault sits on")
    at: Moment = Field(
        default=0.0, description="from the start of the faults phase", json_schema_extra={"default": "0s"}
    )
    for_s: Stretch = Field(alias="for", description="how long; every fault is bounded")


COMMON = tuple(info.alias or name for name, info in FaultEntry.model_fields.items())
PLACES: tuple[PlaceKind, ...] = ("proxy", "database", "cache", "container", "host")
"""The keys of which a fault has the one that its kind sits on, and no other."""


def read_faults(entries: list[Any], checked: Checked, names: TargetNames | None) -> tuple[FaultPlan, ...]:
    """Every fault that could be read, named f1, f2, ... in the file's order; defects are in `checked`."""
    plans: list[FaultPlan] = []
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        place: Place = ("faults", index)
        plan = _read(entry, f"f{index + 1}", place, checked)
        if names is not None:
            _check_proxy(entry, place, checked, names)
            _check_database(entry, place, checked, names)
            _check_known(entry, place, checked, {"cache": names.caches, "host": names.hosts})
            if (kind := kind_named(str(entry.get("kind")))) is not None and kind.on == "container":
                check_has_containers(kind.name, place, checked, names)
        name = entry.get("name")
        if isinstance(name, str) and seen.setdefault(name, index) != index:
            first = checked.source.line(("faults", seen[name]))
            checked.defect(place, f"a second fault named {name!r}", f"the first is in line {first}: rename one")
        if plan is not None:
            plans.append(plan)
    check_timing(plans, checked)
    check_databases(plans, checked)
    check_caches(plans, checked)
    check_container_faults(plans, checked)
    check_host_faults(plans, checked, names)
    return tuple(plans)


def _read(entry: dict[str, Any], fault_id: str, place: Place, checked: Checked) -> FaultPlan | None:
    common = checked.model(FaultEntry, entry, place)
    name = entry.get("kind")
    if not isinstance(name, str):
        return None
    kind = kind_named(name)
    if kind is None:
        checked.defect((*place, "kind"), f"unknown fault kind {name!r}", _meant(name))
        return None
    if kind.name == toolkit_entry.KIND:
        toolkit_entry.check_installed((*place, "kind"), checked)
    if kind.on == "container":
        entry = with_container(entry)
    params = _params(kind, entry, place, checked)
    if not _sits(kind, entry, place, checked) or common is None or params is None:
        return None
    sits_on = str(entry.get(kind.on, ""))
    return FaultPlan(fault_id, common.name, kind.name, sits_on, params, common.at, common.for_s, kind.on)


def _meant(name: str) -> str:
    """What an unknown kind may be; the plugins that can't be used may have it."""
    mend = suggest(name, [kind.name for kind in all_kinds()], what="the kinds are")
    broken = [f"{plugin} can't be used: {plugin.problem}" for plugin in plugins() if plugin.problem]
    return "; ".join([*broken, mend])


def _sits(kind: Kind, entry: dict[str, Any], place: Place, checked: Checked) -> bool:
    """Whether the entry names what faults of its kind sit on, and nothing else."""
    others = [key for key in PLACES if key in entry and key != kind.on]
    if others and kind.on == "platform":
        checked.defect((*place, others[0]), f"{kind.name} names what it sits on by itself", f"take {others[0]}: out")
    elif others:
        what = f"{kind.name} sits on a {kind.on}, not on a {others[0]}"
        checked.defect((*place, others[0]), what, f"write {kind.on}: ... instead")
    elif kind.on != "platform" and entry.get(kind.on) is None:
        missing = "has no value" if kind.on in entry else "is missing"
        checked.defect((*place, kind.on), f"the key {kind.on!r} {missing}", f"add {kind.on}: ...")
    return not others and (kind.on == "platform" or entry.get(kind.on) is not None)


def _params(kind: Kind, entry: dict[str, Any], place: Place, checked: Checked) -> BaseModel | None:
    own = {key: value for key, value in entry.items() if key not in COMMON}
    keys = known_keys(kind.params, ())
    unknown = [key for key in own if key not in keys]
    for key in unknown:
        meant = _OTHER_WORDS.get(key)
        mend = f"did you mean {meant!r}?" if meant in keys else suggest(key, [*_common(kind), *keys], what="keys here")
        checked.defect((*place, key), f"unknown key {key!r} of the fault kind {kind.name!r}", mend)
    known = {k: v for k, v in own.items() if k not in unknown}
    try:
        return checked.model(kind.params, known, place)
    except Exception as error:
        if kind.name in KINDS:
            raise
        # a plugin's own model: what it raises beside ValueErrors is a defect, and no traceback
        checked.defect(place, f"the plugin's {kind.name} can't read its keys: {type(error).__name__}: {error}")
        return None


def _common(kind: Kind) -> tuple[str, ...]:
    return tuple(key for key in COMMON if key not in PLACES or key == kind.on)


def _check_proxy(entry: dict[str, Any], place: Place, checked: Checked, names: TargetNames) -> None:
    proxy, kind = entry.get("proxy"), kind_named(str(entry.get("kind")))
    if not isinstance(proxy, str) or not proxy:
        return
    if proxy not in names.proxies:
        what, mend = f"unknown proxy {proxy!r}", suggest(proxy, names.proxies, what="the target's proxies are")
        checked.defect((*place, "proxy"), what, mend)
    elif kind is not None and (wrong := _wrong_proxy(kind, proxy, names)):
        checked.defect((*place, "proxy"), *wrong)


def _check_known(entry: dict[str, Any], place: Place, checked: Checked, known: Mapping[str, frozenset[str]]) -> None:
    """Places that need nothing but their entry in the target."""
    for key, names in known.items():
        name = entry.get(key)
        if isinstance(name, str) and name and name not in names:
            mend = suggest(name, names, what=f"the target's {key}s are")
            checked.defect((*place, key), f"unknown {key} {name!r}", mend)


def _check_database(entry: dict[str, Any], place: Place, checked: Checked, names: TargetNames) -> None:
    database = entry.get("database")
    if not isinstance(database, str) or not database:
        return
    if database not in names.databases:
        mend = suggest(database, names.databases, what="the target's databases are")
        checked.defect((*place, "database"), f"unknown database {database!r}", mend)
    elif database not in names.exhaustible:
        what = f"the target has no way in for faults on {database!r}"
        mend = f"add exhaust_dsn: and platform_dsn: to the database {database} of the target (docs/targets.md)"
        checked.defect((*place, "database"), what, mend)


def _wrong_proxy(kind: Kind, proxy: str, names: TargetNames) -> tuple[str, str] | None:
    """Why a fault of this kind can't sit on a proxy, and the mend."""
    if kind.needs_database and proxy not in names.with_database:
        what = f"no database goes through {proxy!r}, and {kind.name} needs one"
        return what, f"add through: {proxy} to a database of the target, or name another proxy"
    through = f"or through: {proxy} to the database or cache behind it"
    if proxy not in names.provable:
        what = f"a fault on the proxy {proxy!r} can't be proven"
        return what, f"add probe: {{http: /path}} to {proxy}, {through}"
    if kind.needs_round_trip and proxy not in names.round_trip:
        what = f"{kind.name} on the proxy {proxy!r} can't be proven: its tcp probe only connects"
        return what, f"write probe: {{http: /path}} there, {through}"
    return None
