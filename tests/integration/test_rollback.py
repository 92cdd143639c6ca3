"""`gameday rollback` in a process of its own: on a real sshd, in a real container, from the run folder alone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from game_day_process import GAMEDAY

from harness.clock import Clock, Deadline
from harness.errors import ReachFailed, ReachTimeout
from harness.journal.plan import PlannedRollback
from harness.journal.record import RunStarted
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from harness.reach.container_shell import ContainerShell

if TYPE_CHECKING:
    from conftest import Sshd
    from engine import TestEngine

pytestmark = pytest.mark.integration


def run_folder(folder: Path, *plan: PlannedRollback, engine: str = "") -> None:
    """A run that is over, as its journal is all that is left of it."""
    clock = Clock.start()
    with Journal(folder / "runs" / "r1" / "journal", "conductor", clock) as journal:
        journal.write(
            RunStarted(
                run="r1", version="1", started_at=clock.started_at.isoformat(), runbook="t", runbook_path="r.yaml",
                hypothesis="h", expect="held", target="t", target_path="t.yaml", environment="practice",
                base_url="http://127.0.0.1", rollback=plan, allow=("127.0.0.0/8",), engine=engine, folder=str(folder),
            )
        )  # fmt: skip


def gameday(folder: Path, *args: str) -> tuple[int, str]:
    done = subprocess.run([*GAMEDAY, "rollback", "r1", *args], cwd=folder, capture_output=True, text=True, timeout=50,
                          stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def kept(folder: Path) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads((folder / "runs/r1/result.json").read_text())["rollback"]
    return steps


def test_steps_run_on_a_host_once_it_is_confirmed_and_stop_at_a_failure(sshd: Sshd, tmp_path: Path) -> None:
    way = {"ssh": f"{sshd.user}@127.0.0.1:{sshd.port}", "identity": str(sshd.identity),
           "known_hosts": str(sshd.known_hosts)}  # fmt: skip
    mark = tmp_path / "restarted"
    run_folder(
        tmp_path,
        PlannedRollback(host="app-1", run=f"touch {mark}; echo restarted; echo tok''en=abcdef0123456789", **way),
        PlannedRollback(host="app-1", run="echo broken >&2; exit 3", **way),
        PlannedRollback(host="app-1", run="echo never", **way),
    )

    code, said = gameday(tmp_path)
    assert (code, mark.exists()) == (14, False)
    assert "app-1 was not confirmed: nothing was run (for scripts: --confirm app-1)" in said

    code, said = gameday(tmp_path, "--confirm", "app-1")
    assert (code, mark.exists()) == (10, True), said
    assert "2. on app-1: FAILED with exit code 3" in said
    first, second, third = kept(tmp_path)
    assert [first["exit_code"], second["exit_code"], third["exit_code"]] == [0, 3, None]
    assert (third["ran_at"], first["by"] != "") == (None, True)
    output = (tmp_path / "runs/r1" / first["output"]).read_text()
    assert "restarted" in output
    assert "token=[redacted]" in output
    assert "broken" in (tmp_path / "runs/r1" / second["output"]).read_text()
    told = (tmp_path / "runs/r1/report.md").read_text()
    assert "Rollback step 2 on app-1" in told


def test_a_host_that_is_away_and_a_command_that_hangs_are_told(sshd: Sshd, tmp_path: Path) -> None:
    way = {"identity": str(sshd.identity), "known_hosts": str(sshd.known_hosts)}
    run_folder(
        tmp_path,
        PlannedRollback(host="app-1", run="sleep 60", ssh=f"{sshd.user}@127.0.0.1:{sshd.port}", timeout_s=1.5, **way),
        PlannedRollback(host="db-1", run="true", ssh=f"{sshd.user}@127.0.0.1:1", **way),
        PlannedRollback(host="far", run="true", ssh=f"{sshd.user}@192.0.2.1:22", **way),
    )

    places = [part for name in ("app-1", "db-1", "far") for part in ("--confirm", name)]
    code, said = gameday(tmp_path, "--keep-going", *places)

    assert code == 10
    assert "did not end in time" in said
    assert [step["exit_code"] for step in kept(tmp_path)] == [None, None, None]
    assert "refused" in kept(tmp_path)[1]["error"].lower()
    assert "allow" in kept(tmp_path)[2]["error"]


@pytest.mark.timeout(120)
def test_steps_run_in_a_container(engine: TestEngine, tmp_path: Path) -> None:
    container = engine.run("api", "sleep 300")
    name = container.name or ""
    run_folder(tmp_path, PlannedRollback(container=name, run="echo inside; echo oops >&2; exit 5"), engine=engine.host)
    code, said = gameday(tmp_path, "--confirm", name)
    assert (code, "exit code 5" in said) == (10, True), said
    output = (tmp_path / "runs/r1" / kept(tmp_path)[0]["output"]).read_text()
    assert "inside" in output
    assert "oops" in output

    shell = ContainerShell(engine.host, allow=AllowList(["127.0.0.0/8"]), environment=dict(os.environ))
    try:
        assert shell.run(name, "true", Deadline.after(20)).exit_code == 0
        cut = shell.run(name, "yes | head -c 100000", Deadline.after(20), max_bytes=1000)
        assert (len(cut.stdout), cut.truncated) == (1000, True)
        with pytest.raises(ReachTimeout, match="did not end in time"):
            shell.run(name, "sleep 30", Deadline.after(3))
        with pytest.raises(ReachFailed, match="there is no such container"):
            shell.run("nobody-knows", "true", Deadline.after(10))
        container.stop(timeout=0)
        with pytest.raises(ReachFailed, match="does not run: it is exited"):
            shell.run(name, "true", Deadline.after(10))
    finally:
        shell.close()
