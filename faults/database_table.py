"""A table of the platform's: found as its role finds it, and what each role may do with it."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import psycopg
from psycopg.rows import TupleRow
from pydantic import BeforeValidator, WithJsonSchema

from faults.server_slots import CALL_S, LOOK_NAME, ServerSlots
from harness.reach import postgres

_PART = r'(?:[A-Za-z_][A-Za-z0-9_$]*|"[^"\x00-\x1f]+")'
_NAME = re.compile(rf"{_PART}(?:\.{_PART})?")
_LONGEST_NAME = 130
MAINTAIN_SINCE = 170000
ORDINARY = frozenset({"r", "p"})
"""Tables, partitioned ones too: no views, foreign tables or sequences."""

_FIND = """
/* gameday */ select c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text,
       n.nspname = 'information_schema' or n.nspname like 'pg\\_%%',
       (greatest(pg_relation_size(c.oid),
                 coalesce((select max(pg_relation_size(relid)) from pg_partition_tree(c.oid)), 0))
        / current_setting('block_size')::int)::int
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(%s)
"""
_RIGHTS = """
/* gameday */ select has_schema_privilege(c.relnamespace, 'usage') and has_table_privilege(c.oid, 'select'),
       has_schema_privilege(c.relnamespace, 'usage')
         and has_any_column_privilege(c.oid, 'select') and has_any_column_privilege(c.oid, 'update'),
       has_schema_privilege(c.relnamespace, 'usage') and has_table_privilege(c.oid, 'insert, update, delete'),
       has_schema_privilege(c.relnamespace, 'usage') and has_table_privilege(c.oid, '{locking}')
from pg_class c where c.oid = %s::oid
"""


@dataclass(frozen=True, slots=True)
class TableRights:
    """What a role may do. `rows`: lock rows; `write`: any of insert, update, delete; `lock`: the whole table."""

    read: bool = False
    rows: bool = False
    write: bool = False
    lock: bool = False


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table. `name` is its whole name, quoted by the server; `kind` as in pg_class; `blocks`: how large it is, or its
    largest partition. `exhausting` and `platform`: the rights of the two roles."""

    oid: int
    name: str
    kind: str
    system: bool
    blocks: int
    exhausting: TableRights
    platform: TableRights


def table_name(value: object) -> str:
    """A table's name as the platform writes it; ValueError says how to write it."""
    text = str(value).strip() if isinstance(value, str) else ""
    if not _NAME.fullmatch(text) or len(text) > _LONGEST_NAME:
        raise ValueError(f"{value!r} is no table's name -> write investments or public.investments")
    return text


TableName = Annotated[
    str, BeforeValidator(table_name), WithJsonSchema({"type": "string", "examples": ["investments", "public.orders"]})
]


def find_table(slots: ServerSlots, name: str) -> TableFacts | None:
    """The table that `name` means to the platform's role; None where there is none. Raises ReachFailed."""
    with closing(slots.platform(LOOK_NAME)) as platform, closing(slots.exhaust(LOOK_NAME)) as exhausting:
        found = postgres.query(platform, _FIND, (name,), timeout_s=CALL_S)
        if not found:
            return None
        oid, whole_name, kind, system, blocks = found[0]
        return TableFacts(
            oid=oid,
            name=whole_name,
            kind=kind,
            system=system,
            blocks=blocks,
            exhausting=_rights(exhausting, oid),
            platform=_rights(platform, oid),
        )


def database_of(connection: psycopg.Connection[TupleRow]) -> str:
    """The database that a session is in. Raises ReachFailed."""
    [(name,)] = postgres.query(connection, "select current_database()::text", timeout_s=CALL_S)
    return str(name)


def _rights(session: psycopg.Connection[TupleRow], oid: int) -> TableRights:
    locking = "update, delete, truncate"
    if session.info.server_version >= MAINTAIN_SINCE:
        locking += ", maintain"
    rows = postgres.query(session, _RIGHTS.replace("{locking}", locking), (oid,), timeout_s=CALL_S)
    return TableRights(*rows[0]) if rows else TableRights()
