"""Heals a paused cache by its undo record alone, in any process.

The server itself ends a pause when its lease has run out, so that nothing has to be undone once the holder is gone;
CLIENT UNPAUSE is left alone here, since it would end a pause of somebody else's too. What is left to do is to end a
holder that still renews, and to see that commands are answered.
"""

from __future__ import annotations

import re
import threading
from typing import Literal

from faults.cache_clients import end_clients
from faults.cache_undo import CacheUndo, url_of
from faults.fault import Healed
from harness.clock import Deadline
from harness.errors import NotHealed, ReachFailed
from harness.reach.allow_list import AllowList
from harness.reach.redis_session import NoRight, Rejected, open_session

CALL_S = 1.5
_NOBODY_LISTENS = re.compile(r"[Cc]onnection refused")
_PAUSE_S = 0.1


class CachePauseUndo(CacheUndo):
    """See that the pauses of the cache's server are over: each ends by itself `lease_s` after it was asked for."""

    door: Literal["cache-pause"] = "cache-pause"
    lease_s: float


def see_over(undo: CachePauseUndo, deadline: Deadline, allow: AllowList) -> Healed:
    """Wait the lease out, end a holder that is left, and see that the server answers. Idempotent. Raises NotHealed when
    it doesn't."""
    pause = threading.Event()
    pause.wait(min(undo.lease_s, deadline.left_s()))
    try:
        url = url_of(undo)
    except ReachFailed as error:
        return Healed("lease", f"the pause ended by itself {undo.lease_s:g} s after its holder; not looked at: {error}")
    while True:
        try:
            return _look(undo, url, allow, max(0.1, min(CALL_S, deadline.left_s())))
        except ReachFailed as error:
            if _NOBODY_LISTENS.search(error.what):
                return Healed("gone", f"nothing listens at {error.where}: the pause ended with its server")
            if deadline.passed:
                raise _not_healed(undo, error) from error
        pause.wait(_PAUSE_S)


def command(undo: CachePauseUndo) -> str:  # noqa: ARG001 - the signature of all doors
    """What a person types: it ends every pause of that server."""
    return 'redis-cli -u "$REDIS_URL" CLIENT UNPAUSE'


def _look(undo: CachePauseUndo, url: str, allow: AllowList, timeout_s: float) -> Healed:
    session = open_session(url, allow=allow, timeout_s=timeout_s)
    try:
        session.ask("PING", timeout_s=timeout_s)
        try:
            ended = end_clients(session, undo.marker, timeout_s)
        except (NoRight, Rejected):
            ended = 0
    finally:
        session.close()
    return Healed("killed", f"its holder's {ended} connections were ended") if ended else Healed("expired")


def _not_healed(undo: CachePauseUndo, error: ReachFailed) -> NotHealed:
    return NotHealed(
        f"{undo.fault_id}: our pause has ended by itself ({undo.lease_s:g} s), but the cache {undo.cache} does not "
        f"answer: {error.what}",
        where=error.where or f"cache {undo.cache}",
        mend=command(undo),
    )
