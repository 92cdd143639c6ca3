"""The JSON Schema for editors says what the readers take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faults.catalog import KINDS
from runbooks.parsing.schema import json_schema


def test_both_schemas_are_json_and_name_their_dialect() -> None:
    for which in ("runbook", "target"):
        schema = json.loads(json.dumps(json_schema(which)))
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["additionalProperties"] is False


def test_each_fault_kind_has_its_own_shape() -> None:
    shapes = {shape["title"]: shape for shape in json_schema("runbook")["properties"]["faults"]["items"]["oneOf"]}

    assert shapes.keys() == KINDS.keys()
    latency = shapes["latency"]
    assert latency["properties"]["kind"] == {"const": "latency"}
    assert {"latency", "jitter", "at", "for", "proxy", "name"} <= latency["properties"].keys()
    assert {"name", "proxy", "for", "latency"} <= set(latency["required"])


def test_levels_and_conditions_are_told_apart() -> None:
    properties = json_schema("runbook")["properties"]

    assert len(properties["service_levels"]["items"]["oneOf"]) == 7
    titles = {shape["title"] for shape in properties["stop_when"]["items"]["oneOf"]}
    assert titles == {"ErrorRateEntry", "PercentileEntry", "StallEntry", "ReadingEntry"}


@pytest.mark.parametrize("which", ["runbook", "target"])
def test_every_definition_that_is_referred_to_is_there(which: Any) -> None:
    schema = json_schema(which)
    text = json.dumps(schema)

    referred = {part.partition('"')[0] for part in text.split('"#/$defs/')[1:]}

    assert referred <= schema["$defs"].keys()


def test_a_number_may_be_a_reference_to_the_environment() -> None:
    users = json_schema("runbook")["$defs"]["LoadEntry"]["properties"]["users"]

    assert {"type": "string", "pattern": r"\$\{", "description": "a ${REFERENCE} to the environment"} in [
        option for outer in users["anyOf"] for option in outer.get("anyOf", [])
    ]
