"""What `gameday faults` tells of a kind: its needs, parameters with units, effect, proof and healing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from faults.fault import PlaceKind
from faults.kind import FaultKind
from faults.quantity import BYTES, as_said, written_as

PLACES: tuple[PlaceKind, ...] = ("proxy", "database", "cache", "container", "host", "platform")
_PLACE_NAMES = {"proxy": "postgres", "database": "main", "cache": "main", "container": "api", "host": "app-1"}
_EXAMPLES: dict[str, tuple[object, ...]] = {
    "duration": ("500ms", "2s", "10s", "1m"),
    "share": ("50%",),
    "size": ("2KB", 100, "64MiB", "1GiB"),
    "rate": ("64KB/s", "1MB/s"),
    "": ("a-name", 1, 10, True),
}
_UNITS = {
    "duration": "a duration: 250ms, 20s, 1m30s",
    "share": "a share: 50% or 0.5",
    "size": "bytes: 500, 64KB, 64KiB",
    "rate": "bytes a second: 64KB/s",
}
_JSON_TYPES = {"object": "a mapping", "array": "a list", "string": "a text", "number": "a number"}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True, slots=True)
class ParameterManual:
    """One key of a kind. `written`: how, with its unit; `default`: "" where it must be there."""

    name: str
    written: str
    default: str
    range: str
    meaning: str


@dataclass(frozen=True, slots=True)
class KindManual:
    """One kind of fault. `example`: its line in a runbook; `plugin`: whose it is, "" for ours."""

    name: str
    on: str
    summary: str
    needs: str
    parameters: tuple[ParameterManual, ...]
    effect: str
    proven: str
    healed: str
    example: str
    plugin: str = ""


def manual_of(kind: FaultKind, plugin: str = "") -> KindManual:
    """All there is to say of a kind."""
    own = example_of(kind)
    params = _valid(kind.params, own)
    return KindManual(
        name=kind.name,
        on=kind.on,
        summary=kind.summary,
        needs=kind.needs,
        parameters=tuple(_parameter(name, kind.params.model_fields[name]) for name in _own_first(kind.params)),
        effect=kind.expected(params) if params is not None else kind.summary,
        proven=kind.proven,
        healed=kind.healed,
        example=_line(kind, own),
        plugin=plugin,
    )


def example_of(kind: FaultKind) -> dict[str, Any]:
    """Keys of its own that a runbook may have: as the kind says, else a value that fits for each that must be there."""
    if kind.example:
        read = yaml.safe_load(f"{{{kind.example}}}")
        return read if isinstance(read, dict) else {}
    needed = {i.alias or n: i for n, i in kind.params.model_fields.items() if i.is_required()}
    return {name: _fitting(info) for name, info in needed.items()}


def _own_first(model: type[BaseModel]) -> list[str]:
    own = [name for name in model.__annotations__ if name in model.model_fields]
    return [*own, *(name for name in model.model_fields if name not in own)]


def _line(kind: FaultKind, own: dict[str, Any]) -> str:
    written = kind.example or ", ".join(f"{key}: {_yaml(value)}" for key, value in own.items())
    place = f"{kind.on}: {_PLACE_NAMES[kind.on]}" if kind.on in _PLACE_NAMES else ""
    parts = (f"- {{name: the {kind.name}", f"kind: {kind.name}", place, written, "at: 0s", "for: 30s}")
    return ", ".join(part for part in parts if part)


def _fitting(info: FieldInfo) -> object:
    adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    for candidate in (*choices, *_EXAMPLES[written_as(info)]):
        try:
            adapter.validate_python(candidate)
        except ValidationError:
            continue
        return candidate
    return "..."


def _valid(model: type[BaseModel], values: dict[str, Any]) -> BaseModel | None:
    try:
        return model.model_validate(values)
    except ValidationError:
        return None


def _parameter(name: str, info: FieldInfo) -> ParameterManual:
    return ParameterManual(
        name=info.alias or name,
        written=_UNITS.get(written_as(info)) or _given(info) or _shape(info.annotation),
        default="" if info.is_required() else _default(info),
        range=_range(info),
        meaning=info.description or "",
    )


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return "false" if bool in get_args(info.annotation) else "left out"
    if written_as(info) == "share":
        return _share(value)
    return json.dumps(value) if isinstance(value, bool | dict | list) else as_said(value, info)


def _range(info: FieldInfo) -> str:
    inside = [m for part in get_args(info.annotation) for m in getattr(part, "__metadata__", ())]
    limits: dict[str, Any] = {}
    for holder in [*info.metadata, *inside]:
        constraints = getattr(holder, "metadata", None) or [holder]
        limits |= {k: v for c in constraints for k in _BOUNDS if (v := getattr(c, k, None)) is not None}
    if limits.get("ge") == 0 and ("gt" in limits or written_as(info)):
        limits.pop("ge")
    if "gt" in limits and limits.get("le") == 1:
        limits.pop("le", None)
    return ", ".join(f"{word} {_limit(limits[k], info)}" for k, word in _BOUNDS.items() if k in limits)


def _limit(value: Any, info: FieldInfo) -> str:
    """A limit in the unit in which it is a round number: 6 MiB, and not 6.29146 MB."""
    if written_as(info) in ("size", "rate"):
        for unit in ("GiB", "MiB", "KiB"):
            if value % BYTES[unit] == 0 and value % 1000:
                return f"{value // BYTES[unit]} {unit}{'/s' if written_as(info) == 'rate' else ''}"
    if written_as(info) == "share" and value:
        return _share(value)
    return as_said(value, info)


def _share(value: float) -> str:
    return f"{100 * value:.6g}%"


def _given(info: FieldInfo) -> str:
    """The shape that a runbook gives, where a reader of ours makes something else of it; "" where it is the field's."""
    inside = [m for part in get_args(info.annotation) for m in getattr(part, "__metadata__", ())]
    schema = next((m.json_schema for m in [*info.metadata, *inside] if isinstance(m, WithJsonSchema)), None) or {}
    types = [option.get("type") for option in schema.get("anyOf", [schema])]
    flat = [t for one in types for t in (one if isinstance(one, list) else [one])]
    return " or ".join(_JSON_TYPES[t] for t in flat if t in _JSON_TYPES)


def _shape(annotation: Any) -> str:
    options = [option for option in (get_args(annotation) or (annotation,)) if option is not type(None)]
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, get_args(annotation)))
    if get_origin(annotation) in (dict, list, tuple):
        return "a mapping" if get_origin(annotation) is dict else "a list"
    return " or ".join(dict.fromkeys(map(_word, options)))


def _word(option: Any) -> str:
    if get_origin(option) is Annotated:
        return _word(get_args(option)[0])
    if get_origin(option) is Literal:
        return " or ".join(map(str, get_args(option)))
    if isinstance(option, type) and issubclass(option, BaseModel):
        return "{" + ", ".join(i.alias or n for n, i in option.model_fields.items()) + "}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return words.get(option, "a value")


def _yaml(value: object) -> str:
    return json.dumps(value) if not isinstance(value, str) else value
