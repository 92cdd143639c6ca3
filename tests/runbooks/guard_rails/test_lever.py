"""The lever: a file that every run obeys, whoever made it and whatever is in it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from harness.errors import BadInput
from runbooks.guard_rails.lever import Lever, LeverOn, Off
from runbooks.guard_rails.lever_watch import LeverWatch
from runbooks.guard_rails.rail import Objection, Passed
from runbooks.inbox import StopAsked


@pytest.fixture
def lever(tmp_path: Path) -> Lever:
    return Lever(tmp_path / "state" / "gameday" / "lever", tmp_path / "etc" / "lever")


def test_it_is_on_until_it_is_switched_off_and_on_again(lever: Lever, moment) -> None:
    assert lever.read() is None
    assert isinstance(LeverOn(lever).look(moment()), Passed)
    lever.switch_off(Off(lever.own, "payroll\nruns", "2026-06-01T12:00:00+00:00", "ada"))
    said = LeverOn(lever).look(moment())
    assert isinstance(said, Objection)
    assert said.what == "the lever is off since 2026-06-01T12:00:00+00:00 by ada: payroll runs"
    assert said.mend == "gameday lever on"
    lever.switch_on(lever.own)
    lever.switch_on(lever.own)
    assert lever.read() is None
    assert list(lever.own.parent.iterdir()) == []


def test_the_machines_own_file_counts_for_everybody(lever: Lever, moment) -> None:
    lever.machine.parent.mkdir()
    lever.machine.write_text("the data centre moves\n")
    said = LeverOn(lever).look(moment())
    assert isinstance(said, Objection)
    assert (said.what, said.mend) == ("the lever is off: the data centre moves", "gameday lever on --machine")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "no reason given"), (b"\xff\x1b[31m", "\ufffd [31m"), (b"[1]", "[1]"), (b"{}", "no reason given"),
     (b'{"reason": {"a": 1}}', "{'a': 1}"), (b"[" * 5000, "[" * 300), (b'"', '"')],
)  # fmt: skip
def test_whatever_is_in_the_file_means_off(lever: Lever, content: bytes, reason: str) -> None:
    lever.own.parent.mkdir(parents=True)
    lever.own.write_bytes(content)
    off = lever.read()
    assert off is not None
    assert off.reason == reason
    assert str(off).isprintable()


def test_a_file_that_can_not_be_read_means_off(lever: Lever) -> None:
    lever.own.mkdir(parents=True)
    off = lever.read()
    assert off is not None
    assert "can't be read" in off.reason


def test_a_folder_that_can_not_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lever = Lever(tmp_path / "file" / "lever", tmp_path / "none")
    assert lever.read() is None
    with pytest.raises(BadInput, match="can't be changed"):
        lever.switch_off(Off(lever.own, "r"))
    lever.switch_on(lever.own)


@pytest.mark.parametrize(
    ("environment", "path"),
    [({"GAMEDAY_LEVER": "/x/lever", "XDG_STATE_HOME": "/s"}, "/x/lever"),
     ({"XDG_STATE_HOME": "/s"}, "/s/gameday/lever"),
     ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/gameday/lever"),
     ({"HOME": "/h"}, "/h/.local/state/gameday/lever")],
)  # fmt: skip
def test_the_environment_says_where_it_is(environment: dict[str, str], path: str) -> None:
    assert Lever.of(environment) == Lever(Path(path))


def test_a_lever_switched_off_in_mid_run_asks_for_the_end_once(lever: Lever) -> None:
    asked: list[StopAsked] = []
    heard = threading.Event()

    def ask_stop(message: StopAsked) -> None:
        asked.append(message)
        heard.set()

    with LeverWatch(lever, ask_stop):
        lever.switch_off(Off(lever.own, "incident"))
        assert heard.wait(10)
    assert asked == [StopAsked("guard-rail", "the lever is off: incident")]


def test_a_watch_over_a_lever_that_stays_on_says_nothing_and_ends(lever: Lever) -> None:
    before = threading.active_count()
    with LeverWatch(lever, lambda _: pytest.fail("nobody touched it")):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert os.listdir(lever.machine.parent.parent) == []  # noqa: PTH208 - it reads, and makes nothing
