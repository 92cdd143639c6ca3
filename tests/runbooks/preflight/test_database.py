"""Preflight of the databases: their roles, their room, and where their proxies lead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from preflight_world import FakeWorld, of

from runbooks.preflight.doors import DatabaseFacts
from runbooks.target import Database

if TYPE_CHECKING:
    from conftest import Look


def test_a_proxy_that_leads_to_another_server_is_broken(look: Look) -> None:
    class Astray(FakeWorld):
        def database(self, database: Database, via: tuple[str, int] | None) -> DatabaseFacts:
            return replace(self.facts, started="noon" if via else "dawn")

    [check] = [c for c in look(Astray()).checks if c.area == "database" and c.ok is False]
    assert check.detail == "the proxy leads to another server than dsn: it started at noon, not dawn"


def test_what_is_odd_about_a_database_is_told(look: Look) -> None:
    superuser = look(FakeWorld(facts=DatabaseFacts("17.2", "postgres", True, True, 100, 2)))
    blind = look(FakeWorld(facts=DatabaseFacts("17.2", "app", False, False, 100, 90)))

    assert [(c.ok, c.detail) for c in of(superuser, "database")] == [
        (None, "the role postgres is a superuser"),
        (None, "only 2 of 100 connections are free"),
    ]
    assert of(blind, "database")[0].mend == "grant pg_monitor to app"
