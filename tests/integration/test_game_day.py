"""Whole game days on the sandbox, as a person plays them: the exit code, the result, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from eventually import until
from game_day_process import GAMEDAY, SCENARIO, GameDayProcess

from faults.process import start_ticks
from faults.toxiproxy_server import ManagedServer
from harness.journal import reader
from harness.journal.record import FaultInjected, UndoWritten
from harness.report.verification import verify
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
EXHAUSTION = {"name": "no connections", "kind": "pool-exhaustion", "proxy": "postgres", "at": "1s", "for": "20s"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.up(owned=True, deadline_s=30) as box:
        yield box


def book(folder: Path, faults: list[dict[str, object]], **changes: object) -> Path:
    """A short runbook in `folder`; `changes` replace top-level keys. Its limits leave room for a busy machine."""
    keys: dict[str, object] = {
        "title": "A short game day",
        "hypothesis": "The platform stays within its service levels.",
        "load": {"locustfile": str(SCENARIO), "tags": ["investment"], "users": 40, "spawn_rate": 40},
        "phases": {"warm_up": "4s", "baseline": "5s", "recovery": "4s"},
        "service_levels": [{"name": "api", "requests": "* /api/v1/*", "p95": "2500ms", "error_rate": "1%"}],
        "faults": faults,
        "stop_when": [{"condition": "error_rate", "above": "1%"}],
        "emergency": {"collect": ["app-1", "db-1"]},
    }
    path = folder / "book.yaml"
    path.write_text(yaml.safe_dump(keys | changes))
    return path


def latency(ms: int, seconds: int = 5) -> dict[str, object]:
    return {"name": "slow database", "kind": "latency", "proxy": "postgres", "latency": f"{ms}ms", "at": "0s",
            "for": f"{seconds}s"}  # fmt: skip


def few_users(users: int) -> dict[str, object]:
    return {"locustfile": str(SCENARIO), "tags": ["investment"], "users": users, "spawn_rate": users}


class Played(GameDayProcess):
    """A runbook on a target, in a process of its own."""

    def __init__(self, folder: Path, book: Path, target: Path, *args: str, env: dict[str, str] | None = None) -> None:
        super().__init__(folder, "run", book, "--target", target, *args, env=env)


def wire_of(box: Sandbox) -> dict[str, tuple[bool, list[str]]]:
    """Every proxy of the sandbox: enabled, and the names of its toxics."""
    server = ManagedServer.attach(box.folder / "toxiproxy")
    proxies = requests.get(f"{server.api_url}/proxies", timeout=3).json()
    return {name: (p["enabled"], [t["name"] for t in p["toxics"]]) for name, p in proxies.items()}


UNTOUCHED = {"postgres": (True, []), "redis": (True, []), "paystack": (True, [])}


def load_group(folder: Path) -> tuple[int, int]:
    undo = next(r.undo for r in reader.read(folder).of(UndoWritten) if r.undo["door"] == "process")
    return int(str(undo["pgid"])), int(str(undo["start_ticks"]))


def test_service_levels_missed_under_the_fault_deviate_and_exit_10(tmp_path, sandbox):
    # few users, so that the slow requests don't exhaust the application's pool as well
    played = Played(tmp_path, book(tmp_path, [latency(3000, 10)], load=few_users(12)), sandbox.target)
    assert played.end() == 10, played.output
    assert played.result["verdict"] == "deviated"
    assert (played.folder / "incident.md").exists()
    assert wire_of(sandbox) == UNTOUCHED


def test_exhausted_connections_breach_the_error_rate_and_the_run_stops_by_itself_and_exits_11(tmp_path, sandbox):
    played = Played(tmp_path, book(tmp_path, [EXHAUSTION], notify={"slack": "#game-day"}), sandbox.target)
    assert played.end() == 11, played.output
    result = played.result
    stop = result["stop"]
    assert stop["condition"] == "error_rate"
    assert max(stop["healed_at"], stop["load_stopped_at"]) - stop["breach_at"] < 1.0
    assert [f["effective"] for f in result["faults"]] == [True]
    assert result["findings"][0]["cause"] == "pool-exhaustion"
    for piece in result["findings"][0]["evidence"]:
        assert (played.folder / piece["path"]).exists()
    assert len(result["findings"][0]["evidence"]) >= 2
    assert result["evidence"] == {"complete": True, "missing": []}
    assert wire_of(sandbox) == UNTOUCHED
    for name in ("report.md", "report.html", "incident.md", "slack.jsonl", "junit.xml", "evidence/manifest.json"):
        assert (played.folder / name).stat().st_size > 0
    found = verify(played.folder)
    assert (found.state, found.flaws, found.notes) == ("intact", (), ())
    assert f"--head {found.head[:16]}" in played.output
    assert {clock["source"] for clock in result["clocks"]} >= {"app-1", "db-1", "database.main", "cache.main"}
    until(lambda: not subprocess_group_alive(*load_group(played.folder)), 3 * BUSY)


def test_an_application_that_bypasses_the_proxy_makes_the_run_invalid_and_exits_12(tmp_path):
    with Sandbox.up(owned=True, bypass=True, deadline_s=30) as box:
        played = Played(tmp_path, book(tmp_path, [latency(800, 8)]), box.target)
        assert played.end() == 12, played.output
        assert played.result["verdict"] == "invalid"
        assert played.result["faults"][0]["effective"] is False
        assert "at the platform" in str(played.result["reason"])
        assert wire_of(box) == UNTOUCHED


def test_a_production_target_is_refused_with_14_and_nothing_is_touched(tmp_path, sandbox):
    target = tmp_path / "target.yaml"
    target.write_text(sandbox.target.read_text().replace("environment: practice", "environment: production"))
    played = Played(tmp_path, book(tmp_path, [latency(30)]), target)
    assert played.end() == 14, played.output
    assert "--allow-production" in played.output
    assert wire_of(sandbox) == UNTOUCHED


def test_a_load_that_ends_before_the_timeline_makes_the_run_invalid(tmp_path, sandbox):
    (tmp_path / "locust.conf").write_text("run-time = 6s\n")  # the user's own configuration stays in force
    played = Played(tmp_path, book(tmp_path, [latency(30, 20)]), sandbox.target)
    assert played.end() == 12, played.output
    # on a machine without a moment for Locust's goodbye, its silence is noticed first
    assert any(text in str(played.result["reason"]) for text in ("the load ended by itself", "no window came"))
    assert wire_of(sandbox) == UNTOUCHED


def test_ctrl_c_halts_in_order_collects_evidence_and_exits_11(tmp_path, sandbox):
    played = Played(tmp_path, book(tmp_path, [latency(30, 60)], expect="stopped"), sandbox.target)
    played.wait_for(FaultInjected)
    played.process.send_signal(signal.SIGINT)
    assert played.end() == 11, played.output
    assert played.result["stop"]["condition"] == "person"
    assert played.result["evidence"]["complete"] is True
    assert not (played.folder / "incident.md").exists(), "a person's Ctrl-C opens no incident"
    assert wire_of(sandbox) == UNTOUCHED


BUSY = 3  # how much longer everything may take on a machine that other work keeps busy
# A toxic and a switched listener; wire/test_injection.py has every kind.
KINDS: list[dict[str, object]] = [
    EXHAUSTION | {"for": "60s"},
    {"name": "flapping", "kind": "flap", "proxy": "redis", "period": "30s", "at": "0s", "for": "60s"},
]


@pytest.mark.parametrize("fault", KINDS, ids=lambda f: str(f["kind"]))
def test_a_conductor_killed_in_the_middle_of_a_fault_leaves_nothing_after_3_s(tmp_path, sandbox, fault):
    played = Played(tmp_path, book(tmp_path, [fault], stop_when=[]), sandbox.target)
    played.wait_for(FaultInjected)
    group = load_group(played.folder)
    played.kill()
    until(lambda: wire_of(sandbox) == UNTOUCHED and not subprocess_group_alive(*group), 3 * BUSY)


def test_with_conductor_and_healer_killed_gameday_heal_does_the_rest(tmp_path, sandbox):
    played = Played(tmp_path, book(tmp_path, [latency(50, 60)], stop_when=[]), sandbox.target)
    played.wait_for(FaultInjected)
    healer = child_running(played.process.pid, "faults.healer")
    os.kill(healer, signal.SIGSTOP)
    os.kill(healer, signal.SIGKILL)
    played.kill()
    assert wire_of(sandbox)["postgres"][1], "the toxic is still there"
    heal = subprocess.run([*GAMEDAY, "heal", "--runs", str(played.runs)], capture_output=True, text=True, timeout=30,
                          check=False)  # fmt: skip
    assert heal.returncode == 0, heal.stdout + heal.stderr
    assert wire_of(sandbox) == UNTOUCHED
    group = load_group(played.folder)
    until(lambda: not subprocess_group_alive(*group), 3 * BUSY)


def subprocess_group_alive(pgid: int, ticks: int) -> bool:
    if start_ticks(pgid) == ticks:
        return True
    return any(_group_of(p) == pgid for p in Path("/proc").iterdir() if p.name.isdigit())


def _group_of(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, ValueError):
        return None


def child_running(parent: int, module: str) -> int:
    """The process id of the child of `parent` that runs `python -m module`."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().decode().split("\0")
                ppid = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if module in words and ppid == parent:
                return int(process.name)
    raise AssertionError(f"no child runs {module}")
