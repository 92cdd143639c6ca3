"""Preflight of the hosts: their logs and their processes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from preflight_world import TARGET, FakeWorld, of

from harness.errors import ReachFailed
from runbooks.preflight.doors import LogFacts
from runbooks.preflight.world import count_files, logs_of
from runbooks.target import Host

if TYPE_CHECKING:
    from conftest import Look


def test_logs_that_can_t_be_read_are_broken_and_missing_ones_are_told(look: Look) -> None:
    world = FakeWorld(logs=(LogFacts("/var/log/a", 0, 0), LogFacts("/var/log/b*", 3, 1), LogFacts("/var/log/c", 1, 1)))

    found = look(world)

    missing, unreadable = of(found, "host")
    assert (missing.ok, unreadable.ok) == (None, False)
    assert unreadable.detail == "/var/log/b*: 2 of 3 files can't be read"
    assert "deploy" in unreadable.mend
    assert "1 of 3 logs readable" in of(found, "host", fine=True)[0].detail


def test_a_watched_process_that_is_not_there_is_told_and_no_reason_to_refuse(look: Look) -> None:
    target = replace(TARGET, hosts={"app-1": Host("app-1", "deploy@127.0.0.1:2222", processes={"web": "gunicorn"})})
    [gone] = of(look(FakeWorld(processes={"web": 0}), target=target), "host")
    assert (gone.ok, gone.detail) == (None, "no process has 'gunicorn' in its command line")
    [blind] = of(look(FakeWorld(processes=None), target=target), "host")
    assert (blind.ok, blind.detail) == (None, "its processes can't be looked at")


def test_files_are_counted_by_the_host_s_own_shell(tmp_path: Path) -> None:
    for name in ("a b.log", "c.log", "$(touch evil).log"):
        (tmp_path / name).write_text("")
    paths = (f"{tmp_path}/*.log", f"{tmp_path}/a b.log", f"{tmp_path}/none", f"{tmp_path}/$(touch evil).log")

    answer = subprocess.run(
        ["sh", "-c", "; ".join(map(count_files, paths))], capture_output=True, check=True, cwd=tmp_path
    ).stdout

    assert [(log.files, log.readable) for log in logs_of(paths, answer)] == [(3, 3), (1, 1), (0, 0), (1, 1)]
    assert not (tmp_path / "evil").exists()


def test_a_host_whose_shell_says_something_else_is_told() -> None:
    with pytest.raises(ReachFailed, match="did not answer as sh does"):
        logs_of(("/var/log/x",), b"This account is not available.\n")
