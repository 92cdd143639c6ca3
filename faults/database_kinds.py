"""The faults on a database's server."""

from __future__ import annotations

from faults import idle_in_transaction, lock_contention, slot_exhaustion, slow_queries
from faults.kind import FaultKind

_ROLES = "exhaust_dsn and platform_dsn of the database (docs/targets.md has the SQL), PostgreSQL 14 or newer"
_HEALED = (
    "its sessions are ended, by whoever opened them, by the healer or by gameday heal; when all of these are dead, "
    "the server ends them"
)

DATABASE_KINDS = (
    FaultKind(
        "slot-exhaustion",
        "the database server's own slots are taken but for `leave`, so that the platform gets no new session",
        slot_exhaustion.SlotExhaustionParams,
        slot_exhaustion.SlotExhaustion,
        slot_exhaustion.expected,
        on="database",
        needs="exhaust_dsn, a role with a connection limit, and platform_dsn, the platform's own role",
        proven="the platform's role is refused the next session as too many clients",
        healed="its sessions are ended by their name; the server ends them by itself when nobody renews their lease",
    ),
    FaultKind(
        "lock-contention",
        "a transaction holds a lock on `table`, or on `rows` of it, and the platform waits for it",
        lock_contention.LockContentionParams,
        lock_contention.LockContention,
        lock_contention.expected,
        on="database",
        needs=f"{_ROLES}; the exhausting role may lock the table (maintain) or its rows (select, update of one column)",
        proven="as the platform's role: what the lock keeps it from is asked for, and not had within 250 ms",
        healed=f"{_HEALED} within `lease`",
        example="table: investments, blocks: writes",
    ),
    FaultKind(
        "idle-in-transaction",
        "`sessions` stand in transactions and do nothing: each keeps a slot and a snapshot, and with `rows` locks too",
        idle_in_transaction.IdleInTransactionParams,
        idle_in_transaction.IdleInTransaction,
        idle_in_transaction.expected,
        on="database",
        needs=f"{_ROLES}; pg_monitor for the role of dsn; with `rows`, the exhausting role may lock them",
        proven="all are idle in transaction with a snapshot; with `rows`, the platform's role waits for one of them",
        healed=f"{_HEALED} within `lease`",
        example="sessions: 5",
    ),
    FaultKind(
        "slow-queries",
        "`sessions` work at hashes or sorts without a pause, so that the platform's own queries take longer",
        slow_queries.SlowQueriesParams,
        slow_queries.SlowQueries,
        slow_queries.expected,
        on="database",
        needs=f"{_ROLES}; with `table`, the exhausting role may read it. More sessions than the server has processors",
        proven="a query of the platform's role takes 1.5 times as long as before, or more",
        healed=f"{_HEALED} after the statement that it works at, within `lease` at most",
        example="sessions: 8",
    ),
)
