"""The practice platform comes up under a name, and leaves nothing behind, whoever dies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from eventually import until
from sandbox_visitor import NAME, assert_nothing_is_left

from harness.clock import boot_s
from runbooks.sandbox import postgres
from runbooks.sandbox.sandbox import Sandbox, list_running, take_down
from runbooks.sandbox.state import SandboxState
from runbooks.sandbox.unprivileged import Runner

pytestmark = pytest.mark.integration


def test_nothing_outlives_a_killed_supervisor_and_the_name_can_be_used_again(own: str) -> None:
    box = Sandbox.up(own)
    state = SandboxState.read(box.folder)
    assert state is not None
    os.kill(state.supervisor_pid, signal.SIGKILL)
    orphans = [part for part in state.parts if part.name != "toxiproxy"]
    until(lambda: not any(part.alive for part in orphans))
    assert [s.state for s in list_running() if s.name == own] == ["dead"]
    again = Sandbox.up(own)
    fresh = SandboxState.read(again.folder)
    assert fresh is not None
    assert not any(part.alive for part in state.parts)
    os.kill(fresh.supervisor_pid, signal.SIGKILL)
    again.down()
    assert_nothing_is_left(again.folder, fresh)


def test_an_owned_one_ends_some_seconds_after_its_owner_was_killed() -> None:
    script = (
        "import sys, threading; from runbooks.sandbox.sandbox import Sandbox\n"
        f"box = Sandbox.up({NAME!r}, owned=True); print(box.name, flush=True); threading.Event().wait(60)"
    )
    owner = subprocess.Popen([sys.executable, "-P", "-c", script], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        name = owner.stdout.readline().strip()
    try:
        box = Sandbox.find(name)
        assert box is not None
        state = SandboxState.read(box.folder)
        assert state is not None
        owner.kill()
        owner.wait()
        killed = boot_s()
        until(lambda: not box.folder.exists(), 15)
        assert boot_s() - killed > 5
        until(lambda: not state.alive)
        assert_nothing_is_left(box.folder, state)
    finally:
        owner.kill()
        take_down(name)


def test_programs_in_a_closed_folder_are_copied_to_where_postgresql_may_run_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        closed = Path(name)  # mode 0700, as /root has it
        site = Path(postgres._site_folder())
        for part in postgres._PARTS:
            source = site / part
            if source.exists():
                (closed / part).parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if source.is_dir() else shutil.copy2)(source, closed / part)
        monkeypatch.setattr(postgres, "_site_folder", lambda: closed)
        nobody = Runner(uid=65_534, gid=65_534)
        with tempfile.TemporaryDirectory() as open_name:
            Path(open_name).chmod(0o711)
            programs = postgres.Postgres(Path(open_name, "postgresql"), 1, closed / "log")._programs(nobody)
            assert programs.is_relative_to(open_name) == (not nobody.reaches(closed))
            said = subprocess.run(
                [programs / "postgres", "--version"], capture_output=True, text=True, check=True, cwd="/"
            )
            assert said.stdout.startswith("postgres (PostgreSQL) 18")
            said = subprocess.run(
                [programs / "initdb", "--version"], capture_output=True, text=True, check=True, cwd="/"
            )
            assert "18" in said.stdout


def test_a_start_that_fails_says_why_and_leaves_nothing(own: str) -> None:
    with pytest.raises(Exception, match=r"not ready in time|did not finish in time|did not come up") as caught:
        Sandbox.up(own, deadline_s=0.2)
    assert "Traceback" not in str(caught.value)
    assert [s.name for s in list_running() if s.name == own] == []
