"""A short game day with an invariant of each kind, a watched process that dies, and an alert that is posted in time."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from game_day_process import SCENARIO, GameDayProcess

from harness.analysis.service_level import QueryLevel, UrlLevel
from harness.errors import ReachFailed
from harness.journal.record import AlertSeen, FaultInjected
from harness.reach.allow_list import AllowList
from runbooks.invariants import Invariants
from runbooks.parsing.inputs import load_target
from runbooks.sandbox.port import free_port
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]
DOUBLE_CHARGES = "select count(*) - count(distinct reference) from payments"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.up(owned=True, deadline_s=30) as box:
        yield box


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ours to kill, with a command line of its own."""
    process = subprocess.Popen(["sleep", f"86{free_port()}"])
    yield process
    process.kill()
    process.wait(5)


def write_target(folder: Path, box: Sandbox, port: int, watched: str) -> Path:
    target = yaml.safe_load(box.target.read_text())
    target["alerting"] = {"webhook": {"listen": f"127.0.0.1:{port}"}}
    target["hosts"]["app-1"]["processes"] = {"sleeper": watched}
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(target))
    return path


def write_book(folder: Path) -> Path:
    ledger = folder / "ledger"
    ledger.write_text("70.00\n")
    levels = [
        {"name": "api", "requests": "* /api/v1/*", "p95": "5s", "error_rate": "1%"},
        {"name": "memory", "reading": "*.memory", "max": "100%", "by": "peak"},
        {"name": "no crash", "crashes": "none", "of": "app-1.sleeper"},
        {"name": "no double charge", "query": {"database": "main", "sql": DOUBLE_CHARGES, "equals": "0"}},
        {"name": "healthy", "url": {"get": "/health", "status": 200}},
        {"name": "ledger", "command": {"host": "app-1", "run": f"cat '{ledger}'", "unchanged": True}},
    ]
    fault = {"name": "slow", "kind": "latency", "proxy": "postgres", "latency": "500ms", "at": "0s", "for": "8s"}
    book = {
        "title": "More than latency",
        "hypothesis": "Nothing dies, no money moves, and somebody is told.",
        "load": {"locustfile": str(SCENARIO), "tags": ["investment"], "users": 20, "spawn_rate": 20},
        "phases": {"warm_up": "4s", "baseline": "5s", "recovery": "5s"},
        "service_levels": levels,
        "faults": [fault],
        "alerts": [{"name": "noticed", "alert": "DatabaseSlow", "labels": {"severity": "page"}, "within": "12s"}],
        "stop_when": [],
        "emergency": {"collect": []},
    }
    path = folder / "book.yaml"
    path.write_text(yaml.safe_dump(book, sort_keys=False))
    return path


def post_alert(port: int) -> None:
    alert = {"status": "firing", "labels": {"alertname": "DatabaseSlow", "severity": "page"}}
    body = json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{port}/alerts", body, timeout=10).close()


def test_invariants_hold_an_alert_is_heard_and_a_dead_process_is_a_deviation(tmp_path, sandbox, victim):
    port = free_port()
    target = write_target(tmp_path, sandbox, port, " ".join(victim.args))
    played = GameDayProcess(tmp_path, "run", write_book(tmp_path), "--target", target)
    played.wait_for(FaultInjected)
    post_alert(port)
    victim.kill()
    victim.wait(5)
    played.wait_for(AlertSeen)
    assert played.end() == 10, played.output

    result = played.result
    levels = {(level["name"], level["phase"]): level for level in result["service_levels"]}
    for name in ("memory", "no double charge", "healthy", "ledger"):
        assert [levels[name, phase]["met"] for phase in ("baseline", "faults", "recovery")] == [True] * 3, played.output
    assert [levels["no crash", phase]["met"] for phase in ("baseline", "faults")] == [True, False], played.output
    assert "app-1.sleeper" in levels["no crash", "faults"]["text"]
    noticed = levels["noticed", "faults"]
    assert (noticed["met"], noticed["unit"], noticed["limit"]) == (True, "s", 12.0), played.output
    assert [alert["name"] for alert in result["alerts"]] == ["DatabaseSlow"]
    assert "BROKEN" in (played.folder / "incident.md").read_text()


def test_a_query_can_change_nothing(sandbox):
    target = load_target(sandbox.target)
    asked = Invariants((), target, AllowList(target.allow), {})
    with pytest.raises(ReachFailed, match="read-only transaction"):
        asked.ask_one(QueryLevel("greedy", "main", "create temporary table loot as select 1; select 1"))
    answer = asked.ask_one(QueryLevel("apps", "main", "select count(*) from apps where name like '%'"))
    assert int(str(answer.value)) > 0
    assert asked.ask_one(UrlLevel("health", "/health")).code == 200
    with psycopg.connect(target.databases["main"].dsn.value) as connection:
        assert connection.execute("select to_regclass('loot')").fetchone() == (None,)
