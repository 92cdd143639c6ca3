"""What speaks against a fault by sessions of the exhausting role: the roles, the slots, the table and its rows."""

from __future__ import annotations

from collections.abc import Iterator

from faults.database_table import MAINTAIN_SINCE, ORDINARY, TableFacts
from faults.exhausting_role import Allowed, objections, usable
from faults.objection import Objection
from faults.row_selection import MOST_ROWS
from faults.session_facts import SessionFacts, SessionWants

_SPARE_SLOTS = 2  # for the probe and for the healer


def against(facts: SessionFacts, wants: SessionWants, allowed: Allowed) -> tuple[Objection, ...]:
    """Everything that speaks against playing the fault now, by one kind of reason at a time."""
    slots = facts.slots
    parties = (slots.exhausting, slots.server, slots.platform, slots.platform_server)
    found = objections(*parties, allowed, shut_out=False)
    if slots.server.started != slots.watcher_server.started:
        differ = Objection("dsn and exhaust_dsn lead to two different servers", "let both name the same server")
        found = (*found, differ)
    return found or (*_too_few(facts, wants), *_blind(facts, wants)) or tuple(_about_table(facts, wants))


def _too_few(facts: SessionFacts, wants: SessionWants) -> Iterator[Objection]:
    role, free, most = facts.slots.exhausting, facts.slots.count.free, usable(facts.slots.exhausting)
    if most is not None and most < wants.sessions:
        yield Objection(
            f"the role {role.name} may hold {most} sessions (one more is kept for healing), and {wants.sessions} are "
            f"asked for",
            f"alter role {role.name} connection limit {wants.sessions + 10}",
        )
    if free < wants.sessions + _SPARE_SLOTS:
        yield Objection(
            f"{free} slots of the server are free now, and {wants.sessions} sessions are asked for",
            "ask for fewer sessions: slot-exhaustion is the fault that takes the slots",
        )


def _blind(facts: SessionFacts, wants: SessionWants) -> Iterator[Objection]:
    if wants.sees and not facts.watcher_sees:
        yield Objection(
            "the role of dsn may not look into sessions, so the fault can't be proven", "grant pg_monitor to it"
        )


def _about_table(facts: SessionFacts, wants: SessionWants) -> Iterator[Objection]:
    if not wants.table:
        return
    table = facts.table
    if not facts.same_database:
        exhausting, platform = facts.databases
        yield Objection(
            f"exhaust_dsn leads to the database {exhausting}, and platform_dsn to {platform}, where the table is",
            f"write {platform} into exhaust_dsn",
        )
    elif table is None:
        yield Objection(
            f"there is no table {wants.table} in {facts.databases[1]}, or {facts.slots.platform.name} may not see it",
            "write its schema too: public.investments",
        )
    elif table.system:
        yield Objection(
            f"{table.name} is one of the server's own tables: nobody could log in any more",
            "name a table of the platform",
            refusal=True,
        )
    elif table.kind not in ORDINARY:
        yield Objection(f"{table.name} is no table", "name a table of the platform: no view, no foreign table")
    else:
        yield from tuple(_rights(facts, wants, table)) or _rows(facts, wants, table)


def _rights(facts: SessionFacts, wants: SessionWants, table: TableFacts) -> Iterator[Objection]:
    role, may, platform = facts.slots.exhausting.name, table.exhausting, facts.slots.platform.name
    maintain = "maintain" if facts.slots.server.version_num >= MAINTAIN_SINCE else "update"
    if wants.read and not may.read:
        yield Objection(f"the role {role} may not read {table.name}", f"grant select on {table.name} to {role}")
    if wants.lock and wants.rows is not None and not may.rows:
        yield Objection(
            f"the role {role} may not lock rows of {table.name}",
            f"grant select, update (id) on {table.name} to {role}: one column is enough",
        )
    if wants.lock and wants.rows is None and not may.lock:
        yield Objection(f"the role {role} may not lock {table.name}", f"grant {maintain} on {table.name} to {role}")
    if wants.lock and not _feels(wants, table):
        what = "reads nor writes" if not wants.for_writers_only else "writes"
        yield Objection(
            f"the platform's role {platform} {'neither ' if ' nor ' in what else 'never '}{what} {table.name}: "
            f"it would not feel the lock",
            "name a table that it works with",
        )


def _feels(wants: SessionWants, table: TableFacts) -> bool:
    """Whether the platform's role may do what the lock keeps it from."""
    if wants.rows is not None:
        return table.platform.rows
    return table.platform.write or (not wants.for_writers_only and table.platform.read)


def _rows(facts: SessionFacts, wants: SessionWants, table: TableFacts) -> Iterator[Objection]:
    if wants.rows is None:
        return
    if facts.too_slow:
        yield Objection(
            f"which rows of {table.name} are meant can't be found out within seconds: it is too large",
            "name rows by a column that has an index, or a number of them",
        )
    elif not facts.rows:
        yield Objection(f"no row of {table.name} is meant by rows", "see what is in the table")
    elif facts.rows > MOST_ROWS:
        yield Objection(
            f"rows means {facts.rows} rows of {table.name} or more, and {MOST_ROWS} at most can be locked",
            "write fewer, or leave rows out: then the whole table is locked",
        )
