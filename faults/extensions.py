"""The kinds that plugins bring, through the entry point group `gameday.faults`.

An entry point names a `FaultKind`, or an iterable of them. None is loaded before somebody asks for a kind that isn't
ours, and one that can't be used is a sentence, never a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

from pydantic import BaseModel

from faults.fault import PlaceKind
from faults.foreign_call import foreign_call
from faults.kind import FaultKind
from harness.errors import GamedayError

GROUP = "gameday.faults"
LOAD_S = 10.0
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RESERVED = frozenset({"name", "kind", "at", "for", "for_s", *get_args(PlaceKind)})
"""Keys of every fault in a runbook: a kind can't have parameters of these names."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One entry point. `problem`: why it can't be used, in a sentence; then it has no kinds."""

    entry_point: str
    distribution: str
    kinds: tuple[FaultKind, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        return f"the plugin {self.entry_point} of {self.distribution}"


def loaded(ours: Iterable[str]) -> tuple[Extension, ...]:
    """Every plugin, loaded once for each process. None of its kinds has a name of `ours`, or another plugin's."""
    return _loaded(frozenset(ours))


def load(entry_point: str) -> Extension | None:
    """The plugins' entry point of that name, loaded; None when nothing of that name is installed."""
    found = next(iter(entry_points(group=GROUP, name=entry_point)), None)
    return _load(found) if found is not None else None


@cache
def _loaded(ours: frozenset[str]) -> tuple[Extension, ...]:
    found = [_load(entry_point) for entry_point in sorted(entry_points(group=GROUP), key=lambda e: e.name)]
    owners: dict[str, Extension] = {}
    sound = []
    for extension in found:
        problem = extension.problem or _clash(extension, ours, owners)
        if problem:
            sound.append(Extension(extension.entry_point, extension.distribution, problem=problem))
            continue
        owners.update(dict.fromkeys((kind.name for kind in extension.kinds), extension))
        sound.append(extension)
    return tuple(sound)


def _clash(extension: Extension, ours: frozenset[str], owners: dict[str, Extension]) -> str:
    for kind in extension.kinds:
        if kind.name in ours:
            return f"its kind {kind.name!r} has the name of one of gameday's own"
        if kind.name in owners:
            return f"its kind {kind.name!r} has the name of one of {owners[kind.name]}"
    return ""


def _load(entry_point: EntryPoint) -> Extension:
    distribution = f"{entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist is not None else "unknown"
    try:
        kinds: tuple[Any, ...] = foreign_call(
            lambda: _named(entry_point.load()), whose="importing it", timeout_s=LOAD_S, where=entry_point.value
        )
        problem = next(iter(_problems(kinds)), "")
    except GamedayError as error:
        kinds, problem = (), f"it can't be loaded: {error}"
    return Extension(entry_point.name, distribution, () if problem else kinds, problem)


def _problems(kinds: tuple[object, ...]) -> Iterator[str]:
    """What is wrong with what an entry point names."""
    if not kinds:
        yield "it brings no kind of fault"
    for kind in kinds:
        if not isinstance(kind, FaultKind):
            yield f"it names a {type(kind).__name__} where a FaultKind must be"
            return
        yield from (f"its kind {kind.name!r} {what}" for what in _defects(kind))
    names = [kind.name for kind in kinds if isinstance(kind, FaultKind)]
    yield from (f"it has two kinds named {name!r}" for name in names if names.count(name) > 1)


def _defects(kind: Any) -> Iterator[str]:
    if not isinstance(kind.name, str) or not _NAME.fullmatch(kind.name):
        yield "needs a name of lower-case words with hyphens between"
    if kind.on not in get_args(PlaceKind):
        yield f"sits on {kind.on!r}, which is none of {', '.join(get_args(PlaceKind))}"
    if not (isinstance(kind.params, type) and issubclass(kind.params, BaseModel)):
        yield "needs a pydantic model as its params"
        return
    taken = sorted({info.alias or name for name, info in kind.params.model_fields.items()} & RESERVED)
    if taken:
        yield f"has a parameter {taken[0]!r}: that key belongs to every fault"
    if kind.params.model_config.get("extra") != "forbid":
        yield 'lets misspelt keys pass: its params need model_config = ConfigDict(extra="forbid")'
    if not callable(kind.heal):
        yield "has no heal: nobody could take it off after a crash"
    if silent := [word for word in ("summary", "needs", "proven", "healed") if not getattr(kind, word)]:
        yield f"does not say its {', '.join(silent)}"


def _named(value: Any) -> tuple[Any, ...]:
    kinds = (value,) if isinstance(value, FaultKind) else tuple(value)
    return tuple(_talking(kind) if isinstance(kind, FaultKind) else kind for kind in kinds)


def _talking(kind: FaultKind) -> FaultKind:
    """The kind; where it can't say what a fault does, its summary does."""

    def expected(params: BaseModel) -> str:
        try:
            return str(kind.expected(params))
        except Exception:  # noqa: BLE001 - code of others: a page for people needs a sentence, whatever
            return kind.summary

    return replace(kind, expected=expected)
