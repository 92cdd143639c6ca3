"""Preflight of the claim: whether another run holds the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from preflight_world import TARGET, FakeWorld

from harness.reach.claim import Claim
from runbooks.claim_places import Seen

if TYPE_CHECKING:
    from conftest import Look


def test_a_target_that_another_run_holds_is_refused_with_its_name(look: Look) -> None:
    claim = Claim("20250101-000000-drill-ab12", "ada@laptop", "2025-01-01T00:00:00Z")
    found = look(FakeWorld(claimed=Seen(claim, alive=True)))

    held = [c for c in found.checks if c.area == "claim"]
    assert [c.name for c in held] == ["database main", "cache main", "toxiproxy"]
    assert held[0].detail == "held by run 20250101-000000-drill-ab12 of ada@laptop, since 2025-01-01T00:00:00Z"
    assert found.exit_code == 14


def test_a_dead_runs_claim_and_a_target_without_a_place_for_one_are_warnings(look: Look) -> None:
    dead = look(FakeWorld(claimed=Seen(Claim("r1", "ada@laptop"), alive=False)))
    nowhere = look(FakeWorld(), target=replace(TARGET, databases={}, caches={}, toxiproxy=None, proxies={}))

    assert {c.ok for c in dead.checks if c.area == "claim"} == {None}
    [check] = [c for c in nowhere.checks if c.area == "claim"]
    assert (check.ok, "another machine" in check.detail) == (None, True)
