"""What `up` says before it starts anything."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from faults.process import start_ticks
from harness.errors import BadInput
from runbooks.sandbox.place import folder_of
from runbooks.sandbox.sandbox import Sandbox, list_running, take_down
from runbooks.sandbox.state import PartState, SandboxState


def _leave(name: str, ticks: int, *parts: PartState) -> Path:
    folder = folder_of(name)
    folder.mkdir(parents=True)
    SandboxState(name=name, phase="up", supervisor_pid=os.getpid(), supervisor_ticks=ticks, parts=parts).write(folder)
    return folder


def test_without_the_extra_it_says_what_to_install(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without_asyncssh(name: str, package: str | None = None) -> Any:
        return None if name == "asyncssh" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_asyncssh)
    with pytest.raises(BadInput, match="asyncssh") as caught:
        Sandbox.up()
    assert caught.value.mend == "pip install 'gameday[sandbox]'"
    assert list(temporary.iterdir()) == []


def test_a_dead_one_is_listed_as_dead_not_found_and_taken_away(temporary: Path) -> None:
    folder = _leave("old", -1)
    assert [(s.name, s.state) for s in list_running()] == [("old", "dead")]
    assert Sandbox.find("old") is None
    assert take_down("old")
    assert not folder.exists()
    assert not take_down("old")


def test_one_that_has_lost_a_part_is_listed_as_degraded_and_still_found(temporary: Path) -> None:
    _leave("lame", start_ticks(os.getpid()) or 0, PartState(name="valkey", pid=os.getpid(), ticks=-1, port=1))
    status = list_running()[0]
    assert (status.state, status.ended) == ("degraded", ("valkey",))
    assert Sandbox.find("lame") is not None


def test_nothing_is_listed_where_nothing_was(temporary: Path) -> None:
    assert list_running() == ()
    assert Sandbox.find() is None
