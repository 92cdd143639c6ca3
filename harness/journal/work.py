"""What a database did between two looks at its counters, in parts; who held its locks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class StatementWork(_Part):
    """One normalised statement. `query` is cut and without values; only the first record of a run that has the
    statement holds it. Blocks are of 8 KiB (as a rule), found in the server's memory or read; `calls` have ended."""

    id: str
    query: str = ""
    calls: int
    total_ms: float
    rows: int
    blocks: int
    blocks_read: int = 0
    temp_blocks: int = 0


class TableWork(_Part):
    """One table, as "schema.name". `live`, `dead` and `modified` (since the last analyze) are rows at the end."""

    name: str
    sequential_scans: int = 0
    sequential_rows: int = 0
    index_scans: int = 0
    changed_rows: int = 0
    live: int = 0
    dead: int = 0
    modified: int = 0


class TableShape(_Part):
    """A table and its indexes, each as its columns in order, "(expression)" where it is none."""

    name: str
    rows: int
    columns: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()


class Setting(_Part):
    """`source` says where the value is from: "default", "configuration file", "command line"."""

    name: str
    value: str
    source: str = "default"


class Blocker(_Part):
    """A session that others wait for, and that waits for no lock itself. Ages in seconds when it was last seen;
    `samples` and `blocked`: in how many looks it blocked, and how many at most. `state` "" where it isn't known."""

    pid: int
    application_name: str = ""
    role: str = ""
    state: str = ""
    wait: str = ""
    state_age_s: float | None = None
    transaction_age_s: float | None = None
    statement: str = ""
    holds: tuple[str, ...] = ()  # "AccessExclusiveLock on public.apps"
    samples: int = 0
    blocked: int = 0
