"""The reference pages: their examples are read, and they leave no key out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from faults.catalog import KINDS
from runbooks.parsing import reading_name
from runbooks.parsing.condition_entry import MODELS as CONDITIONS
from runbooks.parsing.fault_entry import COMMON
from runbooks.parsing.inputs import load_inputs, load_target
from runbooks.parsing.level_entry import MODELS as LEVELS
from runbooks.parsing.schema import json_schema

DOCS = Path(__file__).parents[3] / "docs"
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://watcher@10.20.0.7/x",
    "DB_PASSWORD": "secret-enough",
    "ALERT_TOKEN": "token-enough",
    "REDIS_URL": "redis://127.0.0.1/0",
}


def examples(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)


def test_the_examples_are_read_without_a_defect(tmp_path: Path) -> None:
    [runbook] = examples("runbooks.md")
    small, full = examples("targets.md")
    for path, text in (
        ("books/runbook.yaml", runbook),
        ("small.yaml", small),
        ("full.yaml", full),
        ("scenarios/crowdfund.py", ""),
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)

    read, target = load_inputs(tmp_path / "books/runbook.yaml", tmp_path / "full.yaml", environment=ENVIRONMENT)

    assert (len(read.faults), len(read.stop_when), len(read.service_levels), len(read.alerts)) == (4, 6, 8, 2)
    assert target.warnings == ()
    assert load_target(tmp_path / "small.yaml", environment=ENVIRONMENT).environment == "staging"


def keys(schema: Any) -> set[str]:
    """Every key that a schema knows."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return own.union(*map(keys, schema.values()))


@pytest.mark.parametrize(("page", "which"), [("runbooks.md", "runbook"), ("targets.md", "target")])
def test_every_key_is_on_its_page(page: str, which: Any) -> None:
    text = (DOCS / page).read_text()

    assert sorted(key for key in keys(json_schema(which)) if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", text)) == []


def test_every_kind_condition_and_reading_is_on_the_page() -> None:
    text = (DOCS / "runbooks.md").read_text()
    readings = [*reading_name.HOST, *reading_name.PROCESS, *reading_name.DATABASE, *reading_name.CACHE]
    words = [*KINDS, *CONDITIONS, *LEVELS, *COMMON, *readings]

    assert [word for word in words if f"`{word}`" not in text] == []
