"""Who PostgreSQL runs as, and what that user can reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runbooks.sandbox.unprivileged import Runner, postgres_runner, reachable_copy

STRANGER = Runner(uid=65_533, gid=65_533)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a folder that everyone may enter, though pytest's own folder is closed to others."""
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    (closed / "lib").mkdir()
    program = closed / "bin" / "postgres"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    (closed / "lib" / "a.so").write_text("")
    (closed / "lib" / "a.so").chmod(0o600)
    return program


def test_somebody_else_does_not_reach_into_a_closed_folder(program: Path) -> None:
    program.chmod(0o755)
    program.parent.parent.chmod(0o700)
    assert not STRANGER.reaches(program)


def test_somebody_else_does_not_reach_an_unreadable_file() -> None:
    assert STRANGER.reaches(Path("/bin/sh"))
    assert not STRANGER.reaches(Path("/etc/shadow"))


def test_we_reach_what_is_ours(program: Path) -> None:
    assert Runner().reaches(program)


def test_a_copy_is_open_to_everyone_and_keeps_its_shape(program: Path, tmp_path: Path) -> None:
    source = program.parent.parent
    copy = reachable_copy(source, ("bin/postgres", "lib", "not-there"), tmp_path / "copy")
    assert (copy / "bin" / "postgres").stat().st_mode & 0o005 == 0o005
    assert (copy / "lib" / "a.so").stat().st_mode & 0o005 == 0o004
    assert (copy / "lib").stat().st_mode & 0o005 == 0o005
    assert not (copy / "not-there").exists()


def test_postgresql_never_runs_as_root() -> None:
    assert postgres_runner().uid != 0
    assert (postgres_runner().uid is None) == (os.geteuid() != 0)
