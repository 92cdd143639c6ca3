"""What preflight comes to as a whole: ready or not, its exit code, its table."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from preflight_world import POSTGRES, RUNBOOK, TARGET, FakeWorld, of
from rich.console import Console

from harness.errors import BadInput, GamedayError, HostKeyRefused, NotAllowed, ReachTimeout
from runbooks.preflight import Options, preflight
from runbooks.preflight_table import preflight_table

if TYPE_CHECKING:
    from conftest import Look


def test_when_all_is_well_all_is_well(look: Look) -> None:
    found = look()

    assert [c for c in found.checks if c.ok is not True] == []
    assert (found.ok, found.refused, found.exit_code) == (True, False, 0)
    assert {c.area for c in found.checks} == {
        "guard rail", "target", "claim", "toxiproxy", "proxy", "database", "cache", "host", "load", "run folder",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("door", "area", "name"),
    [
        ("web http://127.0.0.1:8000/", "target", "base_url"),
        ("toxiproxy", "toxiproxy", "server"),
        ("connects 127.0.0.1:15432", "proxy", "postgres"),
        ("host app-1", "host", "app-1"),
        ("database main", "database", "main"),
        ("database main via", "database", "main via postgres"),
        ("cache main", "cache", "main"),
        ("locust", "load", "locustfile.py"),
    ],
)
def test_each_door_that_fails_is_one_failed_check_and_exit_code_2(look: Look, door: str, area: str, name: str) -> None:
    found = look(FakeWorld(broken={door: ReachTimeout("no answer within 5 s", where="somewhere")}))

    failed = [c for c in found.checks if c.ok is False]
    assert [(c.area, c.name, c.detail, c.refusal) for c in failed] == [
        (area, name, "somewhere: no answer within 5 s", False)
    ]
    assert failed[0].mend
    assert found.exit_code == 2


@pytest.mark.parametrize("error", [NotAllowed("outside", mend="add it"), HostKeyRefused("unknown key", mend="scan it")])
def test_an_address_outside_and_an_unknown_host_key_are_refused(look: Look, error: GamedayError) -> None:
    found = look(FakeWorld(broken={"host app-1": error}))

    [check] = of(found, "host")
    assert (check.refusal, check.mend, found.exit_code) == (True, error.mend, 14)


def test_a_refusal_outranks_what_is_broken(look: Look) -> None:
    world = FakeWorld(broken={"locust": BadInput("raises"), "host app-1": HostKeyRefused("unknown key")})

    assert look(world).exit_code == 14


def test_a_door_that_overstays_its_deadline_is_a_failed_check_and_not_a_wait(tmp_path: Path) -> None:
    world = FakeWorld(hangs=threading.Event())
    try:
        found = preflight(RUNBOOK, TARGET, options=Options(runs=tmp_path), world=world, deadline_s=0.3)
    finally:
        assert world.hangs is not None
        world.hangs.set()

    [check] = of(found, "load")
    assert (check.ok, check.detail) == (False, "the check did not end in time")


def test_the_table_has_every_check_and_mend_within_80_columns(look: Look) -> None:
    runbook = replace(RUNBOOK, slack_channel="#game-day")
    found = look(FakeWorld(status=503, proxies=(replace(POSTGRES, enabled=False),)), runbook=runbook)
    console = Console(width=80, force_terminal=False, color_system=None)

    with console.capture() as capture:
        console.print(preflight_table(found))
    text = capture.get()

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    assert all(word in text for word in ("FAIL", "warn", "ok", "-> mend the platform", "is disabled"))
    assert text.splitlines()[-1].startswith("not ready: ")
