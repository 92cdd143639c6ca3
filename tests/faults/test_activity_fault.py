"""Actions of Chaos Toolkit extensions as faults: the kit plays one, and what is written wrong is a defect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from faults import activity_healing
from faults.activity_fault import ChaosToolkitParams
from faults.catalog import build
from faults.conformance import FaultCase, FaultConformance
from faults.extension_undo import ActivityUndo
from faults.fault import FaultPlan
from faults.healing import command_of, heal, read_undo
from faults.platform import Platform
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.reach.allow_list import AllowList
from harness.redaction import Redactor

pytestmark = pytest.mark.timeout(150)
MODULE = "toolkit_extension"
SECRET = "canary-in-a-coal-mine"
DOUBLES = Path(__file__).parents[1] / "doubles"
NOWHERE = AllowList(())


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DOUBLES))
    monkeypatch.setenv("APP_PASSWORD", SECRET)


def keys(path: Path, **changes: object) -> dict[str, Any]:
    arguments = {"path": str(path)}
    return {
        "action": {"module": MODULE, "func": "create", "arguments": {**arguments, "text": "${APP_PASSWORD}"}},
        "rollback": {"module": MODULE, "func": "remove", "arguments": arguments},
        "probe": {"module": MODULE, "func": "exists", "arguments": arguments, "tolerance": False},
        **changes,
    }


def plan(path: Path, **changes: object) -> FaultPlan:
    params = ChaosToolkitParams.model_validate(keys(path, **changes))
    return FaultPlan("f1", "a fault", "chaostoolkit", "", params, 0.0, 10.0, "platform")


def platform(path: Path) -> Platform:
    return Platform("shop", "http://127.0.0.1:1", NOWHERE, path.parent)


class TestChaosToolkit(FaultConformance):
    @pytest.fixture
    def case(self, tmp_path: Path) -> FaultCase:
        folder = tmp_path / "platform"
        folder.mkdir()
        path = folder / "it"
        return FaultCase(
            plan=plan(path),
            place=platform(path),
            is_on=path.exists,
            sabotage=path.mkdir,
            canaries=(SECRET,),
        )


def test_its_rollback_stands_in_the_record_by_reference_and_survives_redaction(tmp_path: Path) -> None:
    rollback = {"module": MODULE, "func": "remove", "arguments": {"path": "x", "password": "${APP_PASSWORD}"}}
    fault = build(plan(tmp_path / "it", rollback=rollback), platform(tmp_path), "run")

    undo = fault.prepare()

    assert isinstance(undo, ActivityUndo)
    kept = Redactor((SECRET,)).value(undo.model_dump(mode="json"))
    assert isinstance(kept, dict)
    read = read_undo(kept)
    assert isinstance(read, ActivityUndo)
    activity = activity_healing.rollback_of(read)
    assert activity is not None
    assert activity.arguments == rollback["arguments"]
    assert 'password=os.environ["APP_PASSWORD"]' in command_of(undo)
    assert SECRET not in json.dumps(kept)


def test_a_probe_that_says_so_already_can_not_prove_it(tmp_path: Path) -> None:
    (tmp_path / "it").touch()

    with pytest.raises(ReachFailed, match="answers True before the fault: not within its tolerance"):
        build(plan(tmp_path / "it"), platform(tmp_path), "run").prepare()


def test_a_rollback_that_fails_or_hangs_is_not_healed_and_says_what_to_type(tmp_path: Path) -> None:
    for func in ("hang", "nothing_of_this_name"):
        rollback = {"module": MODULE, "func": func, "arguments": {}}
        undo = build(plan(tmp_path / "it", rollback=rollback), platform(tmp_path), "run").prepare()
        with pytest.raises(NotHealed) as caught:
            heal(undo, deadline=Deadline.after(2.0), allow=NOWHERE)
        assert f"from {MODULE} import {func}" in caught.value.mend


def test_with_nothing_to_take_back_healing_runs_nothing(tmp_path: Path) -> None:
    undo = build(plan(tmp_path / "it", rollback="none"), platform(tmp_path), "run").prepare()

    assert heal(undo, deadline=Deadline.after(1.0), allow=NOWHERE).rung == "nothing to undo"
    assert command_of(undo) == f"see what {MODULE}.create did, and take it back"


def test_the_journal_has_what_was_run() -> None:
    recorded = plan(Path("/srv/it")).recorded_params

    assert recorded["probe"] == f'{MODULE}.exists(path="/srv/it")'
    assert str(recorded["action"]).endswith('text="${APP_PASSWORD}")')
    assert recorded["timeout_ms"] == 30_000


@pytest.mark.parametrize(
    "changes",
    [
        {"rollback": None},
        {"rollback": "nothing"},
        {"probe": None},
        {"probe": {"module": MODULE, "func": "exists"}},
        {"probe": {"module": MODULE, "func": "exists", "tolerance": None}},
        {"action": {"module": "os; import x", "func": "create"}},
        {"action": {"module": MODULE, "func": "create", "type": "http"}},
        {"action": {"module": MODULE, "func": "create", "argments": {}}},
        {"action": {"module": MODULE, "func": "create", "arguments": {"password": "correct-horse"}}},
        {"action": {"module": MODULE, "func": "create", "arguments": {"url": "https://u:correct-horse@shop/"}}},
        {"configuration": {"token": "correct-horse-token-1"}, "probe": None},
        {"secrets": {"app": {"token": "correct-horse"}}},
        {"secrets": {"app": {"token": {"value": "correct-horse"}}}},
        {"timeout": "10m"},
        {"timeout": 5},
    ],
)
def test_what_is_not_bounded_or_holds_a_secret_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChaosToolkitParams.model_validate(keys(tmp_path / "it", **changes))
