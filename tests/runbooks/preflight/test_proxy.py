"""Preflight of each proxy: as the target file says, with nothing left on it, between two ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from preflight_world import API, POSTGRES, RUNBOOK, TARGET, FakeWorld, of

from harness.errors import ReachFailed
from harness.reach.toxiproxy_state import ProxyState, ToxicState
from runbooks.target import Proxy, Toxiproxy

if TYPE_CHECKING:
    from conftest import Look


@pytest.mark.parametrize(
    ("state", "ok", "refusal", "said"),
    [
        (replace(POSTGRES, enabled=False), False, False, "is disabled"),
        (replace(POSTGRES, listen="127.0.0.1:9"), False, False, "listens on 127.0.0.1:9, and the target file says"),
        (replace(POSTGRES, upstream="127.0.0.1:9"), False, False, "leads to 127.0.0.1:9"),
        (replace(POSTGRES, toxics=(ToxicState("slow", "latency"),)), None, False, "somebody else's slow (latency)"),
        (replace(POSTGRES, toxics=(ToxicState("gd-x-f1", "latency"),)), False, True, "a game day left gd-x-f1 on it"),
        (replace(POSTGRES, name="other"), False, False, f"no such proxy at {API}"),
    ],
)
def test_a_proxy_that_is_not_as_it_should_be(
    look: Look, state: ProxyState, ok: bool | None, refusal: bool, said: str
) -> None:
    [check] = of(look(FakeWorld(proxies=(state,))), "proxy")

    assert (check.ok, check.refusal) == (ok, refusal)
    assert said in check.detail


def test_sessions_that_go_past_a_faulted_proxy_are_a_warning(look: Look) -> None:
    past = "no connection of the platform runs through the proxy postgres: 12 of role app from 10.0.0.9 go past it"
    checks = of(look(FakeWorld(past=past)), "proxy")
    assert [(check.ok, check.detail) for check in checks] == [(None, past)]
    assert "restart it if its pool is older than the proxy" in checks[0].mend
    assert of(look(FakeWorld(past=past), runbook=replace(RUNBOOK, faults=())), "proxy") == []


def test_leftovers_of_ours_name_the_command_that_heals_them(look: Look) -> None:
    world = FakeWorld(proxies=(replace(POSTGRES, toxics=(ToxicState("gd-x-f1", "latency"),)),))

    found = look(world)

    assert "gameday heal" in of(found, "proxy")[0].mend
    assert found.exit_code == 14


def test_localhost_and_all_interfaces_are_recognised_in_what_the_server_says(look: Look) -> None:
    target = replace(TARGET, proxies={"postgres": Proxy("postgres", "localhost:15432", "localhost:5432")})

    assert of(look(target=target), "proxy") == []


def test_the_upstream_of_somebody_s_own_server_may_be_out_of_our_reach(look: Look) -> None:
    world = FakeWorld(broken={"connects 127.0.0.1:5432": ReachFailed("refused")})

    assert of(look(world), "proxy")[0].ok is None


def test_the_upstream_of_a_managed_server_may_not(look: Look) -> None:
    target = replace(TARGET, toxiproxy=Toxiproxy(managed=True, folder=Path("/x")))
    world = FakeWorld(broken={"connects 127.0.0.1:5432": ReachFailed("refused")})

    assert of(look(world, target=target), "proxy")[0].ok is False
