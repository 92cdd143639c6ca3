"""What a normalised statement reads from, and by which columns it looks for rows: enough to name an index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from harness.journal.work import TableShape, TableWork

_FROM = re.compile(
    r"\b(?:from|join|update|into|using)\s+(?:only\s+)?(?:\w+\.)?\"?(?P<table>\w+)\"?(?:\s+(?:as\s+)?\"?(?P<alias>\w+)\"?)?"
    r"|,\s*(?:\w+\.)?\"?(?P<next>\w+)\"?\s+(?:as\s+)?\"?(?P<next_alias>\w+)\"?(?=\s*(?:,|\bwhere\b|\bjoin\b))",
    re.IGNORECASE,
)
_NO_ALIAS = frozenset({
    "on", "using", "where", "set", "left", "right", "inner", "outer", "full", "cross", "natural", "join", "group",
    "order", "limit", "as", "values", "select", "returning", "for", "having", "union", "window", "fetch", "offset",
    "default",
})  # fmt: skip
_COLUMN = r"(?:\"?(?P<{0}q>\w+)\"?\.)?\"?(?P<{0}>[a-z_]\w*)\"?"
_PREDICATES = (
    re.compile(rf"\b{_COLUMN.format('left')}\s*(?P<op>=|<=|>=|<(?!>)|>|\bin\b|\blike\b|\bbetween\b)", re.IGNORECASE),
    re.compile(rf"=\s*{_COLUMN.format('left')}(?!\s*\()(?P<op>)", re.IGNORECASE),
)
_EQUAL = frozenset({"=", "in", ""})


def bare(name: str) -> str:
    """ "public.apps" -> "apps"."""
    return name.rpartition(".")[2]


def reads_from(query: str, shapes: Sequence[TableShape], tables: Mapping[str, TableWork]) -> TableShape | None:
    """The table that costs the statement most: that with most rows read one after the other, else the largest."""
    named = set(_aliases(query).values())
    known = [s for s in shapes if bare(s.name) in named]
    return max(known, key=lambda s: (_sequential(s, tables), s.rows), default=None)


def looks_by(query: str, table: TableShape) -> tuple[str, ...]:
    """The table's columns that rows are looked for by, those with "=" first; none where the query was cut before."""
    start = re.search(r"\bwhere\b|\bon\b", query, re.IGNORECASE)
    if start is None:
        return ()
    aliases = _aliases(query)
    mine = {alias for alias, name in aliases.items() if name == bare(table.name)}
    alone = len(set(aliases.values())) == 1
    equal: list[str] = []
    ranges: list[str] = []
    for pattern in _PREDICATES:
        for found in pattern.finditer(query, start.end()):
            owner, column = (found["leftq"] or "").lower(), found["left"].lower()
            if column in table.columns and (owner in mine or (not owner and (alone or _only_here(column, table)))):
                (equal if found["op"].lower() in _EQUAL else ranges).append(column)
    return tuple(dict.fromkeys([*equal, *ranges]))


def has_index(table: TableShape, columns: Iterable[str]) -> bool:
    """Whether an index begins with one of the columns."""
    first = {index[0] for index in table.indexes if index}
    return any(column in first for column in columns)


def _aliases(query: str) -> dict[str, str]:
    """Alias (or the table's own name) -> table, in small letters."""
    found: dict[str, str] = {}
    for match in _FROM.finditer(query):
        table = (match["table"] or match["next"]).lower()
        alias = (match["alias"] or match["next_alias"] or "").lower()
        if table in _NO_ALIAS:
            continue
        found[table] = table
        if alias and alias not in _NO_ALIAS:
            found[alias] = table
    return found


def _only_here(column: str, table: TableShape) -> bool:
    return column not in {"id", "name"} and column in table.columns


def _sequential(shape: TableShape, tables: Mapping[str, TableWork]) -> int:
    work = tables.get(shape.name)
    return work.sequential_rows if work is not None else 0
