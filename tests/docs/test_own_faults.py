"""The guide for plugin authors: its listings are the example's own lines, and its YAML is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from faults.activity_fault import ChaosToolkitParams
from faults.extension_fault import CLOSE_S, INJECT_S, PREPARE_S, PRESENT_S, PROVE_S
from runbooks.parsing.toolkit_entry import ProbeLevelEntry

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "own-faults.md").read_text()
EXAMPLE = DOCS / "examples" / "own-fault"


def listings(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.mark.parametrize("text", [*listings("python"), *listings("toml")], ids=lambda text: text.split("\n")[0])
def test_each_listing_is_cut_from_the_example(text: str) -> None:
    files = ("pyproject.toml", "gameday_feature_flag.py", "tests/test_feature_flag.py")

    assert any(text in (EXAMPLE / name).read_text() for name in files)


def test_the_runbook_of_chaos_toolkit_is_read() -> None:
    own, toolkit = (yaml.safe_load(text) for text in listings("yaml"))

    [level], [fault] = toolkit["service_levels"], toolkit["faults"]
    assert ProbeLevelEntry.model_validate(level).name == "all mail is sent"
    common = ("name", "kind", "at", "for")
    read = ChaosToolkitParams.model_validate({key: value for key, value in fault.items() if key not in common})
    assert [activity.func for activity in read.activities] == ["stop_worker", "worker_runs", "start_worker"]
    assert own["faults"][0]["kind"] == "feature-flag"


def test_the_limits_of_the_steps_are_the_real_ones() -> None:
    said = dict(re.findall(r"^\| `(\w+)` \|.*\| (\d+) s \|$", GUIDE, flags=re.MULTILINE))

    limits = {"prepare": PREPARE_S, "inject": INJECT_S, "prove_wire": PROVE_S, "prove_platform": PROVE_S}
    limits |= {"present": PRESENT_S, "close": CLOSE_S}
    assert {name: float(limit) for name, limit in said.items()} == limits
