"""The JSON Schema of runbooks and targets, for editors: from the same models that validate them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from faults.catalog import all_kinds
from runbooks.parsing import condition_entry, level_entry
from runbooks.parsing.fault_entry import PLACES, FaultEntry, Kind
from runbooks.parsing.runbook_entries import RunbookFile
from runbooks.parsing.target_entries import TargetFile

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {"type": "string", "pattern": r"\$\{", "description": "a ${REFERENCE} to the environment"}


def json_schema(which: Literal["runbook", "target"]) -> Schema:
    """The schema of one of the two files, draft 2020-12."""
    definitions: Schema = {}
    schema = _of(RunbookFile if which == "runbook" else TargetFile, definitions)
    if which == "runbook":
        properties = schema["properties"]
        properties["faults"]["items"] = {"oneOf": [_fault(kind, definitions) for kind in all_kinds()]}
        levels = [_of(model, definitions) for model in level_entry.MODELS.values()]
        properties["service_levels"]["items"] = {"oneOf": levels}
        models = dict.fromkeys(condition_entry.MODELS.values())
        conditions = {"type": "array", "items": {"oneOf": [_of(model, definitions) for model in models]}}
        properties["stop_when"] = {**_documented(properties["stop_when"]), **conditions}
    schema["$defs"] = definitions
    return {"$schema": _DIALECT, **_with_references(schema)}


def _of(model: type[BaseModel], definitions: Schema) -> Schema:
    """The model's schema; what it refers to goes into `definitions`."""
    schema = model.model_json_schema(by_alias=True)
    definitions.update(schema.pop("$defs", {}))
    return schema


def _fault(kind: Kind, definitions: Schema) -> Schema:
    common, own = _of(FaultEntry, definitions), _of(kind.params, definitions)
    on = [kind.on] if kind.on in PLACES else []
    # labels alone choose containers, too
    choice = {"anyOf": [{"required": ["container"]}, {"required": ["labels"]}]} if kind.on == "container" else {}
    must = [] if choice else on
    required = [*common.get("required", []), *must, *own.get("required", [])]
    shared = {key: value for key, value in common["properties"].items() if key not in PLACES}
    for place in on:
        shared[place] = {"type": "string", "minLength": 1, "description": common["properties"][place]["description"]}
    return {
        "title": kind.name,
        "description": kind.summary,
        "type": "object",
        "properties": {**shared, **own.get("properties", {}), "kind": {"const": kind.name}},
        "required": required,
        **choice,
        "additionalProperties": False,
    }


def _documented(schema: Schema) -> Schema:
    return {key: schema[key] for key in ("title", "description") if key in schema}


def _with_references(schema: Any) -> Any:
    """Wherever a number or a truth value may stand, a reference may too."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    walked = {key: _with_references(value) for key, value in schema.items()}
    if walked.get("type") in ("integer", "number", "boolean"):
        outer = {key: walked.pop(key) for key in ("title", "description", "default") if key in walked}
        return {**outer, "anyOf": [walked, _REFERENCE]}
    return walked
