"""Ends the sessions that are a fault on a database by their undo record alone, in any process.

A role may end its own sessions, so that the exhausting role's DSN is enough; it comes from the environment again.
"""

from __future__ import annotations

import os
import re
import threading
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from faults.fault import Healed
from faults.undo import SessionsUndo
from harness.clock import Deadline, steady_utc
from harness.errors import NotHealed, ReachFailed
from harness.reach import postgres
from harness.reach.allow_list import AllowList
from harness.reach.reference import References

HEAL_NAME = "gameday-heal"
CALL_S = 1.5
_PAUSE_S = 0.05
_CUT = re.compile(r"(://|@|=|:)")
_NOBODY_LISTENS = re.compile(r"[Cc]onnection refused")
_MARKED = "from pg_stat_activity where application_name = %s and usename = current_user and pid <> pg_backend_pid()"
_END = f"select pg_terminate_backend(pid) {_MARKED}"
_LEFT = f"select count(*)::int {_MARKED}"


def in_pieces(reference: str) -> tuple[str, ...]:
    """A DSN as its undo record holds it."""
    return tuple(piece for piece in _CUT.split(reference) if piece)


def end_sessions(undo: SessionsUndo, deadline: Deadline, allow: AllowList, dsn: str = "") -> Healed:
    """End them and see that they are gone. Idempotent. Without `dsn`, the record's references are resolved in the
    environment. Raises NotHealed."""
    if not dsn:
        expansion = References(os.environ, Path(undo.folder)).expand("".join(undo.dsn))
        if expansion.problems:
            return _by_lease(undo, *expansion.problems[0])
        dsn = expansion.text
    try:
        return _end(undo, dsn, deadline, allow)
    except ReachFailed as error:
        if _NOBODY_LISTENS.search(error.what):
            return Healed("gone", f"nothing listens at {error.where}: the sessions ended with their server")
        return _by_lease(undo, str(error), command(undo))


def command(undo: SessionsUndo) -> str:
    """What a person types, as the exhausting role or as a superuser."""
    ends = "pg_terminate_backend(pid) from pg_stat_activity where application_name"
    return f"psql -c \"select {ends} = '{undo.marker}'\""


def _end(undo: SessionsUndo, dsn: str, deadline: Deadline, allow: AllowList) -> Healed:
    connection = _connect(dsn, deadline, allow)
    try:
        ended = len(_ask(connection, _END, undo, deadline))
        while left := _ask(connection, _LEFT, undo, deadline)[0][0]:
            if deadline.passed:
                raise ReachFailed(f"{left} sessions named {undo.marker} are still there")
            threading.Event().wait(_PAUSE_S)
    finally:
        connection.close()
    return Healed("terminated" if ended else "closed")


def _ask(connection: psycopg.Connection[TupleRow], sql: str, undo: SessionsUndo, deadline: Deadline) -> list[TupleRow]:
    timeout_s = max(0.1, min(CALL_S, deadline.left_s()))
    return postgres.query(connection, sql, (undo.marker,), timeout_s=timeout_s)


def _connect(dsn: str, deadline: Deadline, allow: AllowList) -> psycopg.Connection[TupleRow]:
    """A session of the role. While every slot is taken, it is tried again: ours may be just going."""
    while True:
        timeout_s = max(0.1, min(CALL_S, deadline.left_s()))
        try:
            return postgres.connect(dsn, allow=allow, timeout_s=timeout_s, application_name=HEAL_NAME)
        except ReachFailed as error:
            full = "too many" in error.what or "slots are reserved" in error.what
            if not full or deadline.passed:
                raise
        threading.Event().wait(_PAUSE_S)


def _by_lease(undo: SessionsUndo, why: str, mend: str) -> Healed:
    """Nobody could be asked: once the last lease has run out, the server has ended them by itself."""
    if steady_utc() > datetime.fromisoformat(undo.over_at):
        return Healed("lease", f"{why}; every lease ran out by {undo.over_at}, and the server has ended the sessions")
    raise NotHealed(
        f"{undo.fault_id} could not be taken off: {why}; the server ends the sessions by itself {undo.lease_s:g} s "
        f"after their holder is gone, at {undo.over_at} at the latest",
        where=undo.marker,
        mend=mend,
    )
