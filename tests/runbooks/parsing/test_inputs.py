"""Both files together: what they mean, and every defect of both at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.analysis.service_level import QueryLevel, ReadingLevel, RequestLevel
from harness.errors import BadInput
from harness.guard.error_rate import ErrorRate
from harness.guard.percentile import Percentile
from harness.guard.reading import ReadingLimit
from harness.guard.stall import Stall
from harness.reach.container_roster import ContainerChoice
from runbooks.parsing.inputs import load_runbook, load_target
from runbooks.runbook import Phases, RollbackStep

if TYPE_CHECKING:
    from conftest import Desk


def test_the_design_s_examples_mean_what_they_say(desk: Desk) -> None:
    runbook, target = desk.load()

    assert runbook.title.startswith("Investors keep investing")
    assert runbook.expect == "stopped"
    assert runbook.load.locustfile == (desk.folder / "scenarios" / "crowdfund.py").resolve()
    assert (runbook.load.users, runbook.load.spawn_rate, runbook.load.tags) == (100, 20.0, ("investment", "payment"))
    assert runbook.phases == Phases(10.0, 15.0, 20.0)
    assert runbook.faults_s == 55.0
    assert runbook.recover_within_s == 20.0
    assert runbook.collect == ("app-1", "db-1")
    assert runbook.rollback == (RollbackStep("app-1", "systemctl restart crowdfund"),)
    assert runbook.slack_channel == "#game-day"
    assert (target.name, target.environment, target.base_url) == ("target", "practice", "http://127.0.0.1:8000")
    assert target.hosts["app-1"].commands == ("df -h",)
    assert target.containers == ContainerChoice(labels={"com.docker.compose.project": "crowdfund"})


def test_levels_faults_and_conditions_of_the_example_become_values(desk: Desk) -> None:
    runbook, _ = desk.load()

    assert runbook.service_levels[0] == RequestLevel("api", "* /api/v1/*", p95_ms=200.0, error_rate=0.01)
    assert runbook.service_levels[3] == ReadingLevel("cpu", "app-1.cpu", max=0.9)
    assert isinstance(runbook.service_levels[4], QueryLevel)
    assert runbook.service_levels[4].equals == 0
    slow, empty = runbook.faults
    assert (slow.id, slow.kind, slow.at_s, slow.for_s) == ("f1", "latency", 0.0, 20.0)
    assert (slow.params.latency, slow.params.jitter) == (0.05, 0.01)  # type: ignore[attr-defined]
    assert (empty.id, empty.kind, empty.proxy, empty.at_s) == ("f2", "pool-exhaustion", "postgres", 25.0)
    assert runbook.stop_when == (
        ErrorRate(above=0.01),
        Percentile(fraction=0.95, of="* /api/v1/*", above_ms=2000.0, over_s=5.0),
        Stall(over_s=1.0),
        ReadingLimit(reading="app-1.cpu", above=0.97, over_s=20.0),
    )


def test_defects_of_both_files_come_at_once_in_the_order_of_lines(desk: Desk) -> None:
    desk.change_runbook("title:", "titel:")
    desk.change_runbook("kind: latency", "kind: latncy")
    desk.change_target("environment:", "enviroment:")

    assert desk.defects() == [
        "drill.yaml:1: the key 'title' is missing (add title: ...)",
        "drill.yaml:2: unknown key 'titel' (did you mean 'title'?)",
        "drill.yaml:14: unknown fault kind 'latncy' (did you mean 'latency'?)",
        "target.yaml:1: the key 'environment' is missing (add environment: ...)",
        "target.yaml:2: unknown key 'enviroment' (did you mean 'environment'?)",
    ]
    assert desk.error().exit_code == 2


def test_the_runbook_is_checked_against_a_target_that_has_defects_itself(desk: Desk) -> None:
    desk.change_target("base_url: http://127.0.0.1:8000", "base_url: nonsense")
    desk.change_runbook("collect: [app-1, db-1]", "collect: [app1, db-1]")

    assert any("unknown host 'app1' (did you mean 'app-1'?)" in d for d in desk.defects())


def test_a_broken_proxy_entry_does_not_make_the_faults_on_it_unknown(desk: Desk) -> None:
    desk.change_target("listen: 127.0.0.1:15432", "lisen: 127.0.0.1:15432")

    assert all(d.startswith("target.yaml:7") for d in desk.defects())


def test_an_unreadable_target_is_no_reason_to_doubt_the_runbook(desk: Desk) -> None:
    desk.target_path.write_text("- not\n- a mapping\n")

    [defect] = desk.defects()
    assert defect.startswith("target.yaml:1: the file is no mapping")


def test_a_missing_file_is_one_defect_without_a_line(desk: Desk) -> None:
    desk.runbook_path.unlink()

    [defect] = desk.defects()
    assert (
        defect == "drill.yaml: the file can't be read: No such file or directory (check the path and its permissions)"
    )


def test_either_file_can_be_loaded_by_itself(desk: Desk) -> None:
    target = load_target(desk.target_path, environment=desk.environment)
    runbook = load_runbook(desk.runbook_path, target, environment=desk.environment)

    assert (runbook, target) == desk.load()


def test_a_runbook_by_itself_knows_what_goes_through_which_proxy(desk: Desk) -> None:
    desk.change_target(", through: postgres}", "}")
    target = load_target(desk.target_path, environment=desk.environment)

    with pytest.raises(BadInput) as caught:
        load_runbook(desk.runbook_path, target, environment=desk.environment)
    assert [d.line for d in caught.value.defects] == [14, 15]


def test_an_ip_address_outside_the_allow_list_alone_is_a_refusal_with_its_line(desk: Desk) -> None:
    desk.change_target("base_url: http://127.0.0.1:8000", "base_url: http://10.1.2.3:8000")

    error = desk.error()
    assert error.exit_code == 14
    [defect] = error.defects
    assert (defect.line, Path(defect.file).name) == (3, "target.yaml")
    assert '"10.1.2.3/32"' in defect.mend


def test_a_refusal_beside_a_defect_is_bad_input(desk: Desk) -> None:
    desk.change_target("base_url: http://127.0.0.1:8000", "base_url: http://10.1.2.3:8000")
    desk.change_target("environment:", "enviroment:")

    assert desk.error().exit_code == 2
