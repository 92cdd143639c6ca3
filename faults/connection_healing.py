"""Ends the connections that a cache-connections holds by their undo record alone, in any process: by their ids, which
CLIENT LIST tells for their name."""

from __future__ import annotations

import re
import threading
from datetime import datetime
from typing import Literal

from faults.cache_clients import end_clients
from faults.cache_undo import CacheUndo, url_of
from faults.fault import Healed
from harness.clock import Deadline, steady_utc
from harness.errors import NotHealed, ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.redis_session import RedisSession, Rejected, open_session

HEAL_NAME = "gameday-heal"
CALL_S = 1.5
_NOBODY_LISTENS = re.compile(r"[Cc]onnection refused")
_PAUSE_S = 0.05


class ConnectionsUndo(CacheUndo):
    """End the connections named `marker`. Whoever died when, the server has ended them itself by `over_at` (UTC,
    ISO 8601); "": it never does, where a machine vanishes without closing them."""

    door: Literal["cache-connections"] = "cache-connections"
    over_at: str


def end_connections(undo: ConnectionsUndo, deadline: Deadline, allow: AllowList, url: str = "") -> Healed:
    """End them and see that they are gone. Idempotent. Without `url`, the record's references are looked up in the
    environment. Raises NotHealed."""
    try:
        return _end(undo, url or url_of(undo), deadline, allow)
    except ReachFailed as error:
        if _NOBODY_LISTENS.search(error.what):
            return Healed("gone", f"nothing listens at {error.where}: the connections ended with their server")
        return _by_server(undo, error)


def command(undo: ConnectionsUndo) -> str:
    """What a person types: each of them by its id."""
    client = 'redis-cli -u "$REDIS_URL" client'
    return f"{client} list | sed -n 's/^id=\\([0-9]*\\) .* name={undo.marker} .*/\\1/p' | xargs -n1 {client} kill id"


def _end(undo: ConnectionsUndo, url: str, deadline: Deadline, allow: AllowList) -> Healed:
    session = _session(url, deadline, allow)
    ended, pause = 0, threading.Event()
    try:
        while here := end_clients(session, undo.marker, _call_s(deadline)):
            ended += here
            if deadline.passed:
                raise ReachFailed(f"{here} connections named {undo.marker} are still there")
            pause.wait(_PAUSE_S)
    finally:
        session.close()
    return Healed("killed" if ended else "closed")


def _session(url: str, deadline: Deadline, allow: AllowList) -> RedisSession:
    """A session of our own. While the server is full it is tried again: ours may be just going."""
    pause = threading.Event()
    while True:
        try:
            return open_session(url, allow=allow, timeout_s=_call_s(deadline), name=HEAL_NAME)
        except Rejected:
            if deadline.passed:
                raise
        pause.wait(_PAUSE_S)


def _by_server(undo: ConnectionsUndo, error: ReachFailed) -> Healed:
    """Nobody could be asked: their holder's end has closed them, or the server has in the end."""
    if undo.over_at and steady_utc() > datetime.fromisoformat(undo.over_at):
        return Healed("lease", f"{error}; the server has ended unused connections by itself by {undo.over_at}")
    by_itself = f", at {undo.over_at} at the latest" if undo.over_at else ""
    raise NotHealed(
        f"{undo.fault_id} could not be taken off: {error.what}; the connections end with their holder's process"
        + (f", and where its machine has vanished, by the server itself{by_itself}" if by_itself else ""),
        where=error.where or undo.marker,
        mend=error.mend or command(undo),
    ) from error


def _call_s(deadline: Deadline) -> float:
    return max(0.1, min(CALL_S, deadline.left_s()))
