"""`gameday init` on a platform that is up: what it writes passes `gameday check` as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.toxiproxy_process import read_state
from runbooks.parsing.inputs import load_inputs, load_target
from runbooks.sandbox.sandbox import Sandbox

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]
GAMEDAY = [sys.executable, "-P", "-c", "from runbooks.entry import main; main()"]


def gameday(*args: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GAMEDAY, *args],
        cwd=folder,
        env={**os.environ, **env},
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_init_pointed_at_a_platform_writes_files_that_check_passes(tmp_path: Path) -> None:
    with Sandbox.up("init", owned=True) as box:
        there = load_target(box.target)
        server = read_state(box.folder / "toxiproxy")
        assert server is not None
        app = there.hosts["app-1"]
        user, _, address = app.ssh.partition("@")
        host, _, port = address.partition(":")
        (tmp_path / "ssh_config").write_text(
            f"Host app-1\n HostName {host}\n Port {port}\n User {user}\n"
            f" IdentityFile {app.identity}\n UserKnownHostsFile {app.known_hosts}\n"
        )
        env = {
            "DATABASE_URL": there.databases["main"].dsn.value.replace("gameday@", "gameday:not-needed@"),
            "REDIS_URL": there.caches["main"].url.value,
        }
        empty = tmp_path / "shop"
        empty.mkdir()

        flags = ("--base-url", box.base_url, "--toxiproxy", server.api_url, "--database-env", "DATABASE_URL")
        ssh = ("--ssh", "app-1", "--ssh-config", str(tmp_path / "ssh_config"))
        said = gameday("init", *flags, *ssh, "--cache-env", "REDIS_URL", folder=empty, env=env)
        assert said.returncode == 0, said.stdout + said.stderr
        checked = gameday("check", "first-game-day.yaml", "--target", "target.yaml", folder=empty, env=env)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    runbook, target = load_inputs(empty / "first-game-day.yaml", empty / "target.yaml", environment=env)
    [fault] = runbook.faults
    assert (fault.kind, fault.proxy, fault.for_s) == ("latency", "postgres", 20.0)
    assert (target.databases["main"].through, target.caches["main"].through) == ("postgres", "redis")
    assert target.allow == ("127.0.0.1",)
    written = "".join(path.read_text() for path in empty.iterdir() if path.is_file())
    assert "not-needed" not in written
