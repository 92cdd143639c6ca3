"""A platform that hangs behind a managed server: requests never come back, and the halt does not wait for them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from eventually import until
from small_platform import LOCUSTFILE, small_platform

from faults.toxiproxy_process import STATE
from faults.toxiproxy_server import ManagedServer
from harness.journal import reader
from harness.journal.record import FaultInjected
from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]
ON_STOP = """
    def on_stop(self):
        self.client.get("/goodbye")  # talks to the dead server: must not delay the halt
"""


@pytest.fixture
def platform() -> Iterator[str]:
    with small_platform() as address:
        yield address


def write_inputs(folder: Path, upstream: str) -> None:
    listen = f"127.0.0.1:{free_port()}"
    (folder / "locustfile.py").write_text(LOCUSTFILE + ON_STOP)
    target = {
        "environment": "practice",
        "base_url": f"http://{listen}",
        "allow": ["127.0.0.0/8"],
        "toxiproxy": {"managed": True, "folder": str(folder / "toxiproxy")},
        "proxies": {"web": {"listen": listen, "upstream": upstream, "probe": {"http": "/"}}},
    }
    runbook = {
        "title": "The whole platform hangs",
        "hypothesis": "A stall is noticed within two seconds.",
        "expect": "stopped",
        "load": {"locustfile": "locustfile.py", "users": 30, "spawn_rate": 30},
        "phases": {"warm_up": "3s", "baseline": "3s", "recovery": "3s"},
        "service_levels": [{"name": "home", "requests": "GET /", "p95": "2s"}],
        "faults": [{"name": "hanging", "kind": "timeout", "proxy": "web", "at": "0s", "for": "30s"}],
        "stop_when": [{"condition": "stall", "over": "1s"}],
    }
    (folder / "target.yaml").write_text(yaml.safe_dump(target))
    (folder / "book.yaml").write_text(yaml.safe_dump(runbook))


def gameday(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", "from runbooks.cli import main; main()", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, check=False)


def test_hanging_requests_and_an_on_stop_that_talks_to_the_dead_server_do_not_delay_the_halt(tmp_path, platform):
    write_inputs(tmp_path, platform)
    played = gameday(tmp_path, "run", "book.yaml", "--target", "target.yaml", "--json")
    assert played.returncode == 0, played.stdout + played.stderr
    result = json.loads(played.stdout)
    stop = result["stop"]
    assert (result["verdict"], stop["condition"]) == ("stopped", "stall")
    assert max(stop["healed_at"], stop["load_stopped_at"]) - stop["breach_at"] < 1.0
    assert result["load"]["in_flight_at_stop"] > 25  # of 30 users
    assert [(f["effective"], f["healed"]) for f in result["faults"]] == [(True, True)]


def test_the_managed_server_that_a_run_started_is_gone_after_it(tmp_path, platform):
    write_inputs(tmp_path, platform)
    listen = yaml.safe_load((tmp_path / "target.yaml").read_text())["proxies"]["web"]["listen"]
    runbook = yaml.safe_load((tmp_path / "book.yaml").read_text())
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(runbook | {"faults": [], "expect": "held"}))
    played = gameday(tmp_path, "run", "book.yaml", "--target", "target.yaml")
    assert played.returncode == 0, played.stdout + played.stderr
    host, _, port = listen.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=2)


@pytest.mark.parametrize("server_dies_too", [False, True], ids=["server lives", "server dies too"])
def test_a_killed_conductor_leaves_neither_the_fault_nor_the_managed_server_it_had_started(
    tmp_path, platform, server_dies_too
):
    write_inputs(tmp_path, platform)
    listen = yaml.safe_load((tmp_path / "target.yaml").read_text())["proxies"]["web"]["listen"]
    runbook = yaml.safe_load((tmp_path / "book.yaml").read_text())
    (tmp_path / "book.yaml").write_text(yaml.safe_dump(runbook | {"stop_when": [], "expect": "held"}))
    command = [sys.executable, "-P", "-c", "from runbooks.cli import main; main()", "run", "book.yaml"]
    conductor = subprocess.Popen([*command, "--target", "target.yaml"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    until(lambda: injected(tmp_path / "runs" / "latest"), 40)
    if server_dies_too:
        os.kill(ManagedServer.attach(tmp_path / "toxiproxy").pid, signal.SIGKILL)
    conductor.kill()
    conductor.wait(5)
    host, _, port = listen.rpartition(":")
    until(lambda: refuses(host, int(port)) and not (tmp_path / "toxiproxy" / STATE).exists(), 20)


def injected(run: Path) -> bool:
    return reader.read(run).first(FaultInjected) is not None


def refuses(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return True
    return False


def test_a_listen_port_that_is_taken_is_one_clear_message(tmp_path, platform):
    write_inputs(tmp_path, platform)
    target = yaml.safe_load((tmp_path / "target.yaml").read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        target["proxies"]["web"]["listen"] = listen
        (tmp_path / "target.yaml").write_text(yaml.safe_dump(target))
        played = gameday(tmp_path, "run", "book.yaml", "--target", "target.yaml")
    assert played.returncode == 2, played.stdout + played.stderr
    assert "port is taken" in played.stdout
    assert "Traceback" not in played.stdout + played.stderr
