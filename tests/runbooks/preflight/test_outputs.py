"""Preflight of where a run's words go: its Slack channel and its run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from preflight_world import RUNBOOK, TARGET, FakeWorld, of

from harness.errors import ReachFailed
from runbooks.preflight import Options, preflight

if TYPE_CHECKING:
    from conftest import Look


def test_slack_never_stands_in_the_way(look: Look) -> None:
    runbook = replace(RUNBOOK, slack_channel="#game-day")

    shown = look(runbook=runbook)
    sent = look(runbook=runbook, token="xoxb-1")
    down = look(FakeWorld(broken={"slack": ReachFailed("invalid_auth")}), runbook=runbook, token="xoxb-1")

    assert [of(found, "slack", fine=True)[0].ok for found in (shown, sent, down)] == [None, True, None]
    assert "shown, not sent" in of(shown, "slack")[0].detail
    assert down.exit_code == 0


def test_without_a_channel_slack_is_not_asked(look: Look) -> None:
    world = FakeWorld()

    look(world, token="xoxb-1")

    assert "slack" not in world.asked


def test_a_run_folder_that_can_t_be_is_broken_and_nothing_is_written_to_find_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    blocked = preflight(RUNBOOK, TARGET, options=Options(runs=tmp_path / "file" / "runs"), world=FakeWorld())
    fine = preflight(RUNBOOK, TARGET, options=Options(runs=tmp_path / "new" / "runs"), world=FakeWorld())

    assert of(blocked, "run folder")[0].ok is False
    assert of(fine, "run folder", fine=True)[0].ok is not False
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
