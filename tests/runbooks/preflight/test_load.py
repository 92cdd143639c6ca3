"""Preflight of the load: what the Locust file has and is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from preflight_world import RUNBOOK, FakeWorld, of

from harness.errors import BadInput
from runbooks.preflight.doors import LoadFacts

if TYPE_CHECKING:
    from conftest import Look


def test_an_unknown_tag_is_broken_with_what_was_meant(look: Look) -> None:
    runbook = replace(RUNBOOK, load=replace(RUNBOOK.load, tags=("investmnt",), exclude_tags=("nobody",)))

    wrong, excluded = of(look(runbook=runbook), "load")

    assert (wrong.ok, wrong.mend) == (False, "did you mean 'investment'?")
    assert (excluded.ok, excluded.mend) == (None, "its tags are: investment, page")


def test_a_load_shape_and_a_number_of_users_contradict(look: Look) -> None:
    [check] = of(look(FakeWorld(load=LoadFacts(("U",), ("investment",), has_shape=True))), "load")

    assert check.ok is None
    assert "load shape" in check.detail


def test_a_defect_inside_the_locust_file_is_told_with_its_place(look: Look) -> None:
    error = BadInput("the Locust file does not load: KeyError: 'X'", where="/books/locustfile.py:3")

    [check] = of(look(FakeWorld(broken={"locust": error})), "load")

    assert check.detail == "/books/locustfile.py:3: the Locust file does not load: KeyError: 'X'"
