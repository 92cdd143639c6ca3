"""Each bottleneck that the guide names, on a practice platform that has it: the analysis names it first; a healthy
platform is accused of nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from game_day_process import SCENARIO, GameDayProcess

from runbooks.sandbox.defects import DEFECTS
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

# What the load must touch so that a defect hurts; all of the scenario's traffic where nothing is said.
TAGS = {
    "pool-exhaustion": ["investment"],
    "connection-limit": ["investment"],
    "dependency-down": ["payment"],
    "resource-intensive-operation": ["certificate", "investment"],
    "network": ["investment"],
    "slow-queries": ["investment"],
    "unoptimised-queries": ["investment"],
    "lock-contention": ["investment"],
    "cache": ["investment"],
}
# A fast machine with many cores bears some defects better: the guide's own limit for them.
LIMITS = {"slow-queries": "200ms"}


def plain_load(folder: Path, tags: list[str], limit: str) -> Path:
    """A short load test without faults. Its limits leave room for a busy machine: a defect misses them by far."""
    keys = {
        "title": "A short load test",
        "hypothesis": "The platform stays within its service levels.",
        "load": {"locustfile": str(SCENARIO), "tags": tags, "users": 25, "spawn_rate": 25},
        "phases": {"warm_up": "3s", "baseline": "10s", "recovery": "0s"},
        "service_levels": [{"name": "api", "requests": "*", "p95": limit, "error_rate": "1%"}],
        "faults": [],
        "stop_when": [{"condition": "error_rate", "above": "1%"}],
        "emergency": {"collect": ["app-1", "db-1"]},
    }
    path = folder / "load.yaml"
    path.write_text(yaml.safe_dump(keys))
    return path


def findings(folder: Path, defect: str) -> list[dict[str, object]]:
    """What was named, the first first."""
    book = plain_load(folder, TAGS.get(defect, []), LIMITS.get(defect, "1s"))
    with Sandbox.up(owned=True, defect=defect, deadline_s=40) as box:
        played = GameDayProcess(folder, "run", book, "--target", box.target)
        played.end()
    assert played.result["load"]["requests"] > 0, played.output
    named: list[dict[str, object]] = played.result["findings"]
    return named


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_defect_is_named_first_with_its_evidence(defect: str, tmp_path: Path) -> None:
    named = findings(tmp_path, defect)
    assert [f["cause"] for f in named][:1] == [defect], named
    assert len(named[0]["evidence"]) >= 2
    assert named[0]["recommendation"]
    assert named[0]["explained_by_fault"] is None


def test_a_healthy_platform_is_accused_of_nothing(tmp_path: Path) -> None:
    # where the machine itself has no CPU left, that may be said: it is no accusation of the platform
    assert [f["cause"] for f in findings(tmp_path, "") if f["cause"] != "noisy-neighbour"] == []
