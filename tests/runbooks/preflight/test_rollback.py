"""Preflight of the rollback: whether each step could run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from preflight_world import RUNBOOK, FakeWorld, of

from harness.errors import ReachFailed
from runbooks.preflight.rollback_check import first_word
from runbooks.runbook import RollbackStep

if TYPE_CHECKING:
    from conftest import Look


def test_each_rollback_step_is_told_with_where_its_program_is_and_when_it_runs(look: Look) -> None:
    steps = (
        RollbackStep("app-1", "systemctl restart shop"),
        RollbackStep("", "kubectl rollout undo deploy/shop", "not-held", name="undo the release"),
    )

    found = look(runbook=replace(RUNBOOK, rollback=steps))

    assert [(c.name, c.ok, c.detail) for c in of(found, "rollback", fine=True)] == [
        ("step 1, app-1", True, "/usr/bin/systemctl; runs when asked"),
        ("step 2, undo the release", True, "/usr/bin/kubectl; runs by itself when not-held"),
    ]


def test_a_rollback_step_that_could_not_run_is_broken_and_odd_ones_are_warnings(look: Look) -> None:
    steps = (
        RollbackStep("app-1", "sytemctl restart shop"),
        RollbackStep("app-1", "sudo systemctl restart shop"),
        RollbackStep("app-1", "systemctl set-environment password=hunter2222"),
        RollbackStep("app-1", "(cd /srv && systemctl restart shop)"),
    )
    world = FakeWorld(broken={"finds systemctl at app-1": ReachFailed("no route", where="app-1")})

    found = of(look(FakeWorld(), runbook=replace(RUNBOOK, rollback=steps)), "rollback")
    assert [(c.name[:6], c.ok, c.detail.partition(":")[0]) for c in found] == [
        ("step 1", False, "sytemctl is not there, or can't be executed"),
        ("step 2", None, "sudo may ask for a password, and nobody is there to type it"),
        ("step 3", None, "a secret seems to stand in the command"),
        ("step 4", None, "app-1 is there, but what the command begins with can't be told; runs when asked"),
    ]
    away = of(look(world, runbook=replace(RUNBOOK, rollback=steps[1:2])), "rollback")
    assert [c.detail for c in away if c.ok is False] == ["app-1: no route"]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("systemctl restart shop", "systemctl"),
        ("A=1 B='2 3' ./restart", "./restart"),
        ("sudo -n -u deploy /opt/app/bin/undo now", "/opt/app/bin/undo"),
        ("cd /srv && make", "cd"),
        ("$UNDO now", ""),
        ("echo 'unclosed", ""),
        ("# nothing", ""),
    ],
)
def test_the_program_that_a_command_begins_with(command: str, word: str) -> None:
    assert first_word(command) == word
