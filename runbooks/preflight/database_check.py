"""Each database: directly, and through its proxy as the platform goes."""

from __future__ import annotations

from harness.errors import GamedayError
from runbooks.preflight.check import Check, bad, good, warning
from runbooks.preflight.doors import DatabaseFacts
from runbooks.preflight.scene import Scene, failed
from runbooks.preflight.way_through import way_through
from runbooks.target import Database

AREA = "database"
_HEADROOM = 3


def check_database(scene: Scene, database: Database) -> list[Check]:
    """One line for the connection, others for what is odd about it."""
    try:
        facts = scene.world.database(database, None)
    except GamedayError as error:
        return [failed(AREA, database.name, error, f"check {database.dsn}")]
    checks = [good(AREA, database.name, f"PostgreSQL {facts.version} as {facts.role}, {facts.free} connections free")]
    return [*checks, *_oddities(database, facts), *_through(scene, database, facts)]


def _oddities(database: Database, facts: DatabaseFacts) -> list[Check]:
    checks = []
    if facts.superuser:
        text = f"the role {facts.role} is a superuser"
        checks.append(warning(AREA, database.name, text, "give gameday a role of its own with pg_monitor"))
    elif not facts.sees_sessions:
        text = f"the role {facts.role} can't see other roles' sessions"
        checks.append(warning(AREA, database.name, text, f"grant pg_monitor to {facts.role}"))
    if facts.free < _HEADROOM:
        text = f"only {facts.free} of {facts.max_connections} connections are free"
        checks.append(warning(AREA, database.name, text, "the watching itself needs one or two"))
    return checks


def _through(scene: Scene, database: Database, directly: DatabaseFacts) -> list[Check]:
    via = way_through(scene, database.through)
    if via is None:
        return []
    name = f"{database.name} via {database.through}"
    try:
        found = scene.world.database(database, via)
    except GamedayError as error:
        return [failed(AREA, name, error, f"does the proxy {database.through} lead to this database?")]
    if found.started != directly.started:
        text = f"the proxy leads to another server than dsn: it started at {found.started}, not {directly.started}"
        mend = f"let {database.through} lead to the server that dsn names, or name the right proxy in through:"
        return [bad(AREA, name, text, mend)]
    return [good(AREA, name, "the proxy leads to it")]
