"""What a runbook may say of its rollback, and what each slip is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Desk

STEP = "{host: app-1, run: systemctl restart crowdfund, when: asked}"


def test_a_rollback_step_runs_on_a_host_in_a_container_or_here(desk: Desk) -> None:
    steps = "{host: app-1, run: a}, {container: api, run: b, when: stopped}, {here: true, run: c}, "
    desk.change_runbook(STEP, f"{steps}{{run: d, when: not-held, timeout: 5s, name: last}}")

    plan = desk.load()[0].rollback

    assert [(s.where, s.when) for s in plan] == [
        ("app-1", "asked"), ("api", "stopped"), ("here", "asked"), ("here", "not-held"),
    ]  # fmt: skip
    assert (plan[3].name, plan[3].timeout_s, plan[0].timeout_s) == ("last", 5.0, 60.0)


@pytest.mark.parametrize(
    ("new", "defect"),
    [
        ("{host: app-1, container: api, run: a}", "a step runs in one place, not on host and container"),
        ("{here: false, run: a}", "rollback.here: "),
        ("{host: app-1}", "the key 'run' is missing"),
        ("{host: app-1, run: a, timeout: 2h}", "rollback.timeout: must be at most 3600 s"),
        ("{host: app-1, run: a, timeout: 0s}", "rollback.timeout: must be longer than 0s"),
        ("{host: app-1, run: a, wen: asked}", "unknown key 'wen' (did you mean 'when'?)"),
        ("{hots: app-1, run: a}", "unknown key 'hots' (did you mean 'host'?)"),
    ],
)
def test_each_slip_in_a_rollback_step_is_told(desk: Desk, new: str, defect: str) -> None:
    desk.change_runbook(STEP, new)

    assert any(defect in said for said in desk.defects()), desk.defects()


def test_a_container_needs_containers_in_the_target(desk: Desk) -> None:
    desk.change_runbook(STEP, "{container: api, run: a}")
    desk.change_target("containers: {labels: {com.docker.compose.project: crowdfund}}\n", "")

    assert any("'api': the target has no containers" in said for said in desk.defects())
