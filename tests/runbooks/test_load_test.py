"""A load test is made of a runbook and of what a person asks for, the same for the same request."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import BadInput
from runbooks.books import find_book
from runbooks.load_test import PRESETS, LoadTest, compose, gentle_rate
from runbooks.parsing.draft import TargetNames

NAMES = TargetNames(
    databases=frozenset({"main"}), hosts=frozenset({"app-1"}), processes=frozenset({"app-1.crowdfund"})
)  # fmt: skip
BOOK = find_book("load")


def composed(test: LoadTest, names: TargetNames = NAMES, book: Path = BOOK) -> dict[str, object]:
    return dict(yaml.safe_load(compose(book, test, names).played.text))


def test_the_run_time_is_the_whole_of_it_with_ramp_up_settling_and_measuring():
    keys = composed(LoadTest(users=500, spawn_rate=50, run_time_s=120))
    assert keys["phases"] == {"warm_up": "15s", "baseline": "105s", "recovery": 0}
    assert keys["title"] == "Load test: 500 users for 2 min"
    assert keys["load"]["users"] == 500


def test_what_is_asked_for_goes_over_the_runbook_and_the_rest_of_it_stays(tmp_path):
    test = LoadTest(10, 5, 20, tags=("payment",), exclude_tags=("page",), processes=-1, locustfile=tmp_path / "l.py")
    load = composed(test)["load"]
    assert load == {"locustfile": str(tmp_path / "l.py"), "users": 10, "spawn_rate": 5, "tags": ["payment"],
                    "exclude_tags": ["page"], "processes": "auto"}  # fmt: skip
    assert composed(LoadTest(10, 5, 20))["load"]["locustfile"] == "../scenarios/crowdfund.py"


def test_the_same_request_gives_the_same_text():
    test = LoadTest(100, 10, 60)
    assert compose(BOOK, test, NAMES) == compose(BOOK, test, NAMES)


def test_a_run_time_that_leaves_nothing_to_measure_says_what_it_takes():
    with pytest.raises(BadInput) as caught:
        compose(BOOK, LoadTest(1000, 50, 20), NAMES)
    assert "leaves nothing to measure" in caught.value.what
    assert caught.value.mend == "--run-time 30 s or more, or a higher --spawn-rate"


def test_levels_on_what_the_target_lacks_are_left_out_and_said():
    made = compose(BOOK, LoadTest(100, 10, 60), TargetNames())
    levels = [level["name"] for level in yaml.safe_load(made.played.text)["service_levels"]]
    assert levels == ["api", "page", "certificate", "payment"]
    assert "connections of the database: the target has no database.main" in made.left_out
    assert "no crash: nothing of the target would tell a crash" in made.left_out
    assert compose(BOOK, LoadTest(100, 10, 60), NAMES).left_out == ()


def test_faults_and_what_was_expected_of_them_are_left_out(tmp_path):
    keys = composed(LoadTest(10, 5, 20), book=find_book("drill"))
    assert not {"faults", "expect", "recover_within"} & set(keys)


def test_presets_are_the_guides_and_their_users_come_gently():
    assert PRESETS == {"minimum": 100, "target": 500, "peak": 1000}
    assert [gentle_rate(users) for users in PRESETS.values()] == [10, 25, 50]
    assert gentle_rate(20) == 10
