"""Preflight of the Toxiproxy server: started, reached, new enough, and with a keeper where it outlives us."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from preflight_world import RUNBOOK, TARGET, FakeWorld, of

from faults.lease.lease import KeeperFacts
from harness.errors import ReachFailed
from runbooks.preflight import Check, Preflight
from runbooks.target import Toxiproxy

if TYPE_CHECKING:
    from conftest import Look


def test_a_managed_server_that_does_not_run_yet_will_be_started(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))
    world = FakeWorld(managed_runs=False, broken={"connects 127.0.0.1:15432": ReachFailed("refused")})

    found = look(world, target=target)

    [check] = of(found, "toxiproxy", fine=True)
    assert (check.ok, check.detail) == (True, "managed: will be started from /usr/bin/toxiproxy-server")
    assert of(found, "proxy") == []
    assert "database main via" not in world.asked


def test_a_port_that_the_managed_server_needs_and_somebody_has_is_broken(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))

    [check] = of(look(FakeWorld(managed_runs=False), target=target), "proxy")

    assert check.detail == "its port is taken: another program listens on 127.0.0.1:15432"
    assert check.ok is False


def test_a_program_that_must_be_had_first_is_told(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))
    world = FakeWorld(managed_runs=False, program=(False, "with Go from PATH"))

    [check] = of(look(world, target=target), "toxiproxy")

    assert check.ok is None
    assert "with Go from PATH" in check.detail


def test_a_server_too_old_to_be_driven_is_broken(look: Look) -> None:
    assert of(look(FakeWorld(version="2.5.0")), "toxiproxy")[0].ok is False
    assert of(look(FakeWorld(version="git")), "toxiproxy") == []


ELSEWHERE = replace(TARGET, toxiproxy=Toxiproxy(managed=False, url="http://10.0.0.5:8474"))
KEPT = replace(TARGET, toxiproxy=Toxiproxy(managed=False, url="http://10.0.0.5:8474", host="app-1"))


def leases(found: Preflight) -> list[Check]:
    return [check for check in found.checks if check.area == "toxiproxy" and check.name == "lease"]


def test_a_toxiproxy_on_another_machine_needs_a_keeper_or_the_opt_out(look: Look) -> None:
    refused = look(FakeWorld(here=False), target=ELSEWHERE)
    [check] = leases(refused)
    assert (refused.exit_code, check.ok, check.refusal) == (14, False, True)
    assert "http://10.0.0.5:8474 is on another machine, and outlives us" in check.detail
    assert "add host: to toxiproxy:" in check.mend
    assert "(app-1)" in check.mend
    assert "--no-lease" in check.mend
    [check] = leases(look(FakeWorld(here=False), target=ELSEWHERE, no_lease=True))
    assert check.ok is None
    assert leases(look(FakeWorld(here=True), target=ELSEWHERE)) == []
    unfaulted = replace(RUNBOOK, faults=())
    assert leases(look(FakeWorld(here=False), runbook=unfaulted, target=ELSEWHERE)) == []


def test_a_keeper_is_looked_for_where_the_target_says(look: Look) -> None:
    [check] = leases(look(FakeWorld(here=False), target=KEPT))
    assert check.ok is True
    assert check.detail == (
        "a keeper on app-1 (python3 3.11.2) heals when it has not heard from us for 3 s; "
        "Toxiproxy's API there: 127.0.0.1:8474"
    )
    away = FakeWorld(here=False, keeper=KeeperFacts("3.11.2", "10.0.0.5:8474", here=False))
    assert [check.ok for check in leases(look(away, target=KEPT))] == [True, None]
    mend = "install python3 there, or play without a keeper: --no-lease"
    broken = FakeWorld(
        here=False, broken={"lease": ReachFailed("the command ended: sh: python3: not found", mend=mend)}
    )
    [check] = leases(look(broken, target=KEPT))
    assert (check.ok, check.mend) == (False, mend)
    [check] = leases(look(broken, target=KEPT, no_lease=True))
    assert check.ok is None
