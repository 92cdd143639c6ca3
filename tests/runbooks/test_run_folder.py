"""A run folder holds the inputs without secrets, and what can't be written is one clear error."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.clock import Clock
from harness.errors import BadInput, Refused
from harness.redaction import Redactor
from runbooks.process import ProcessId
from runbooks.run_folder import RunFolder, all_runs, conductor_of, find_run
from runbooks.runbook import LoadPlan, Phases, Runbook
from runbooks.target import Target
from runbooks.target_lock import TargetLock


@pytest.fixture
def runbook(tmp_path) -> Runbook:
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text("# a Locust file\n")
    return Runbook(
        path=tmp_path / "My drill.yaml", text="title: t\n", title="t", hypothesis="h", expect="held",
        load=LoadPlan(locustfile), phases=Phases(1, 1, 1), recover_within_s=1, service_levels=(), faults=(),
        stop_when=(), collect=(), rollback=(), slack_channel="",
    )  # fmt: skip


@pytest.fixture
def target(tmp_path) -> Target:
    return Target(
        path=tmp_path / "t.yaml", text="dsn: postgres://u:hunter2secret@h/db\n", name="t", environment="practice",
        base_url="http://127.0.0.1:1", allow=(), toxiproxy=None, proxies={}, databases={}, caches={}, hosts={},
    )  # fmt: skip


def make(runs: Path, runbook: Runbook, target: Target) -> RunFolder:
    return RunFolder.create(runs, runbook, target, Clock.start(), Redactor())


def test_the_inputs_as_played_are_kept_without_secrets_and_with_their_hashes(tmp_path, runbook, target):
    folder = make(tmp_path / "runs", runbook, target)
    assert "hunter2secret" not in (folder.path / "target.yaml").read_text()
    assert (folder.path / "locustfile.py").read_text() == "# a Locust file\n"
    assert set(folder.inputs) == {"runbook.yaml", "target.yaml", "locustfile.py"}
    assert "-my-drill-" in folder.run


def test_latest_points_to_the_newest_and_runs_are_found_by_id_path_and_latest(tmp_path, runbook, target):
    runs = tmp_path / "runs"
    first, second = make(runs, runbook, target), make(runs, runbook, target)
    assert find_run(runs, "latest") == second.path.resolve()
    assert find_run(runs, first.run) == first.path.resolve()
    assert find_run(runs, str(first.path)) == first.path.resolve()
    assert len(list(all_runs(runs))) == 2


def test_an_unknown_run_names_the_newest_ones(tmp_path, runbook, target):
    folder = make(tmp_path / "runs", runbook, target)
    with pytest.raises(BadInput) as caught:
        find_run(tmp_path / "runs", "nope")
    assert folder.run in caught.value.mend


def test_a_run_folder_that_cannot_be_written_is_bad_input_with_a_mend(tmp_path, runbook, target):
    (tmp_path / "runs").write_text("a file stands in the way")
    with pytest.raises(BadInput) as caught:
        make(tmp_path / "runs", runbook, target)
    assert "--runs" in caught.value.mend


def test_the_conductor_of_a_folder_lives_only_while_that_very_process_does(tmp_path, runbook, target):
    folder = make(tmp_path / "runs", runbook, target)
    assert conductor_of(folder.path) == ProcessId.own()
    ProcessId(os.getpid(), 1).write(folder.path / "conductor.pid")
    assert conductor_of(folder.path) is None
    (folder.path / "conductor.pid").write_text("torn")
    assert conductor_of(folder.path) is None


def test_a_second_run_against_the_same_target_is_refused_and_told_who_holds_it(target):
    one, two = Path("/runs of one/r-one"), Path("/runs/r-two")
    with TargetLock(target, one), pytest.raises(Refused) as caught, TargetLock(target, two):
        pass
    assert caught.value.what == "another game day holds this target: run r-one"
    assert caught.value.mend == "wait for it, or end it with: gameday stop '/runs of one/r-one'"
    with TargetLock(target, one), TargetLock(replace(target, base_url="http://127.0.0.1:2"), two):
        pass


def test_a_name_that_no_folder_can_have_is_no_run(tmp_path) -> None:
    with pytest.raises(BadInput, match="no run 'xxx"):
        find_run(tmp_path, "x" * 300)
