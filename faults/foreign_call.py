"""A call into code that is not ours: over in time, and nothing worse than a GamedayError comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from harness.errors import GamedayError, ReachFailed, ReachTimeout
from harness.reach.in_time import in_time

T = TypeVar("T")
_LONGEST = 300


def foreign_call(call: Callable[[], T], *, whose: str, timeout_s: float, where: str) -> T:
    """What `call` returns; it runs in a thread of its own, which is left behind at the deadline.

    Raises its GamedayErrors as they are, ReachFailed for anything else that it raises (SystemExit too), ReachTimeout.
    """

    def guarded() -> T:
        try:
            return call()
        except GamedayError:
            raise
        except BaseException as error:
            text = " ".join(str(error).split())[:_LONGEST]
            raise ReachFailed(f"{whose} failed: {type(error).__name__}: {text}", where=where) from error

    try:
        return in_time(guarded, timeout_s=timeout_s, where=where)
    except ReachTimeout as error:
        raise ReachTimeout(f"{whose}: {error.what}", where=error.where or where) from error
