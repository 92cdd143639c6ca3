"""Preflight of the target itself: its environment, its base URL, its allow list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from preflight_world import TARGET, FakeWorld, of

if TYPE_CHECKING:
    from conftest import Look


def test_production_is_refused_and_names_its_opt_out(look: Look) -> None:
    target = replace(TARGET, environment="production")

    found = look(target=target)
    [check] = of(found, "guard rail")
    assert (check.ok, check.refusal, check.mend, found.exit_code) == (False, True, "--allow-production", 14)

    allowed = look(target=target, allow_production=True)
    [check] = of(allowed, "guard rail")
    assert (check.ok, allowed.exit_code) == (None, 0)


@pytest.mark.parametrize(
    ("environment", "refused"),
    [("prod", True), ("Production", True), ("eu-prod", True), ("live", True), ("pre-production", False),
     ("non_prod", False), ("staging", False), ("productivity", False)],
)  # fmt: skip
def test_production_has_many_names(look: Look, environment: str, refused: bool) -> None:
    assert look(target=replace(TARGET, environment=environment)).refused is refused


def test_a_platform_that_answers_with_an_error_of_its_own_is_not_broken_further(look: Look) -> None:
    assert of(look(FakeWorld(status=503)), "target")[0].ok is False
    assert of(look(FakeWorld(status=404)), "target") == []


def test_a_wide_allow_list_and_oddities_of_the_file_are_told(look: Look) -> None:
    target = replace(TARGET, allow=("0.0.0.0/0",), warnings=("odd",))

    found = look(target=target)

    assert [c.detail for c in of(found, "target")] == ["0.0.0.0/0 allows very much", "odd"]
    assert found.ok


def test_a_target_without_proxies_needs_no_toxiproxy(look: Look) -> None:
    target = replace(TARGET, toxiproxy=None, proxies={}, databases={}, caches={}, hosts={})
    world = FakeWorld()

    assert look(world, target=target).ok
    assert "toxiproxy" not in world.asked
