"""A hostile user at the front door: whatever is done to a run, one clear end, its exit code, and nothing left running.

The platform is a small server of the test's own, without a proxy: what is tried here is the run, not its faults.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from eventually import until
from marked_processes import MarkedProcesses
from small_platform import LOCUSTFILE, small_platform

from harness.journal import reader
from harness.journal.record import PhaseStarted

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def platform() -> Iterator[str]:
    with small_platform() as address:
        yield f"http://{address}"


class Visit:
    """A folder with a runbook and a target, and the game days played in it."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder = folder
        self.days = MarkedProcesses(folder)
        self.processes = self.days.living
        (folder / "locustfile.py").write_text(LOCUSTFILE)
        target = {"environment": "practice", "base_url": base_url, "allow": ["127.0.0.0/8"]}
        self.write("target.yaml", target)
        self.book()

    def book(self, recovery: str = "2s") -> None:
        keys = {
            "title": "A load without faults",
            "hypothesis": "The page answers.",
            "load": {"locustfile": "locustfile.py", "users": 10, "spawn_rate": 10},
            "phases": {"warm_up": "1s", "baseline": "2s", "recovery": recovery},
            "service_levels": [{"name": "home", "requests": "GET /", "p95": "5s"}],
            "faults": [],
        }
        self.write("book.yaml", keys)

    def write(self, name: str, keys: dict[str, object]) -> None:
        (self.folder / name).write_text(yaml.safe_dump(keys))

    def play(
        self, *words: str, stdout: int = subprocess.PIPE, env: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        return self.days.start(*(words or ("run", "book.yaml", "--target", "target.yaml")), stdout=stdout, env=env)

    def until_phase(self, name: str) -> None:
        latest = self.folder / "runs" / "latest"
        until(lambda: any(p.name == name for p in reader.read(latest).of(PhaseStarted)), 40)

    @property
    def result(self) -> dict[str, object]:
        return json.loads((self.folder / "runs" / "latest" / "result.json").read_text())


@pytest.fixture
def visit(tmp_path: Path, platform: str) -> Iterator[Visit]:
    playing = Visit(tmp_path, platform)
    yield playing
    playing.days.close()
    until(lambda: not playing.processes(), 40)


def ended(process: subprocess.Popen[str], bound_s: float = 120.0) -> tuple[int, str]:
    said, _ = process.communicate(timeout=bound_s)
    assert "Traceback" not in (said or "")
    return process.returncode, said or ""


def test_the_second_game_day_on_a_target_is_refused_and_stop_ends_the_first_from_another_terminal(visit):
    visit.book(recovery="60s")
    first = visit.play()
    visit.until_phase("warm-up")
    [holder] = [p.name for p in (visit.folder / "runs").iterdir() if not p.is_symlink()]
    code, said = ended(visit.play("run", "book.yaml", "--target", "target.yaml", "--runs", "others"))
    assert code == 14
    assert f"another game day holds this target: run {holder}" in said
    assert "gameday stop" in said
    visit.until_phase("recovery")
    code, said = ended(visit.play("stop"))
    assert (code, said) == (0, f"{holder}: stopped: SIGTERM came (gameday stop, or a kill)\n")
    assert ended(first)[0] == 11
    assert visit.processes() == []
    assert ended(visit.play("stop"))[0] == 2


def test_a_reader_that_leaves_in_mid_run_changes_neither_the_run_nor_its_exit_code(visit):
    reading, writing = os.pipe()
    process = visit.play(stdout=writing)
    os.close(writing)
    visit.until_phase("warm-up")
    os.close(reading)
    assert process.wait(120) == 0
    assert visit.result["verdict"] == "held"
    assert visit.processes() == []


def test_a_load_that_is_killed_makes_the_run_invalid(visit):
    visit.book(recovery="60s")
    process = visit.play()
    visit.until_phase("recovery")
    [load] = visit.processes("locust_entry")
    os.kill(load, signal.SIGKILL)
    code, said = ended(process)
    assert code == 12
    assert "INVALID: the load ended by itself (exit code -9)" in said
    assert visit.processes() == []


def test_a_disk_that_fills_up_in_mid_run_stops_it_and_its_verdict_is_still_told(visit):
    visit.book(recovery="60s")
    process = visit.play()
    visit.until_phase("recovery")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (6_000, 6_000))
    code, said = ended(process)
    assert code == 12
    assert "INVALID: the journal can't be written" in said
    assert visit.result["verdict"] == "invalid", "the journal lacks it, the result does not"
    assert visit.processes() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_while_the_sandbox_comes_up_ends_in_one_line_with_11_and_takes_it_down(visit, number):
    process = visit.play("run", "drill")
    until(lambda: visit.processes("runbooks.sandbox.supervisor"), 40)
    process.send_signal(number)
    code, said = ended(process)
    assert (code, said.split()) == (11, ["bringing", "up", "a", "sandbox", "...", "interrupted"])
    assert visit.processes() == []


def test_a_platform_that_takes_connections_and_never_answers_is_told_before_any_load(visit):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        visit.write("target.yaml", {"environment": "practice", "base_url": url, "allow": ["127.0.0.0/8"]})
        code, said = ended(visit.play())
    assert code == 2
    assert "REFUSED: target base_url" in said
    assert "no answer within 5 s" in said
    assert visit.processes() == []


def test_a_locust_file_that_raises_is_shown_with_its_line(visit):
    (visit.folder / "locustfile.py").write_text("import locust\n\nraise RuntimeError('boom')\n")
    code, said = ended(visit.play())
    assert code == 2
    assert "locustfile.py:3: the Locust file does not load" in said
    assert "RuntimeError: boom" in said
    assert visit.processes() == []


def test_without_toxiproxy_go_and_docker_the_three_ways_to_have_it_are_named(visit, platform):
    port = platform.rpartition(":")[2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    visit.write(
        "target.yaml",
        {
            "environment": "practice",
            "base_url": f"http://{listen}",
            "allow": ["127.0.0.0/8"],
            "toxiproxy": {"managed": True, "folder": str(visit.folder / "toxiproxy")},
            "proxies": {"web": {"listen": listen, "upstream": f"127.0.0.1:{port}", "probe": {"http": "/"}}},
        },
    )
    nothing = str(visit.folder / "nothing")
    env = {"PATH": nothing, "XDG_CACHE_HOME": nothing, "HOME": nothing, "PIP_NO_INDEX": "1",
           "PIP_CONFIG_FILE": os.devnull, "DOCKER_HOST": f"unix://{nothing}/docker.sock"}  # fmt: skip
    code, said = ended(visit.play(env=env))
    assert code == 2
    assert "there is no toxiproxy-server, and none could be had" in said
    assert "put toxiproxy-server 2.12.0 on PATH, or install Go 1.23 or newer, or start Docker" in said
    assert visit.processes() == []
