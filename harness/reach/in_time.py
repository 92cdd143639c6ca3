"""A call to a door that ends by its deadline, and leaves nothing open when its result comes after all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from harness.clock import Deadline
from harness.errors import ReachTimeout
from harness.reach.bounded import bounded

T = TypeVar("T")


class _Claim(Generic[T]):
    """Who gets the result: the caller, or, once the caller has given up, whoever closes it."""

    def __init__(self, late: Callable[[T], None]) -> None:
        self._late = late
        self._lock = threading.Lock()
        self._withdrawn = False
        self._results: list[T] = []

    def offer(self, result: T) -> T:
        with self._lock:
            self._results.append(result)
            withdrawn = self._withdrawn
        if withdrawn:
            self._late(result)
        return result

    def withdraw(self) -> None:
        with self._lock:
            results = [] if self._withdrawn else list(self._results)
            self._withdrawn = True
        for result in results:
            self._late(result)


def in_time(
    call: Callable[[], T],
    *,
    timeout_s: float,
    where: str,
    release: Callable[[], None] = lambda: None,
    late: Callable[[T], None] = lambda _: None,
) -> T:
    """`call()` in a thread of its own: its result or its exception, at the latest after `timeout_s`.

    Name look-ups and slow drips, which no library bounds, end too. After the deadline `release` is called to unblock
    the call (cut its socket off, say), and a result that still comes is given to `late`, to be closed. Raises
    ReachTimeout then.
    """
    claim = _Claim(late)

    def give_up() -> None:
        claim.withdraw()
        release()

    what = f"no answer within {timeout_s:g} s"
    try:
        return bounded(lambda: claim.offer(call()), Deadline.after(timeout_s), give_up=give_up, late=what)
    except ReachTimeout as error:
        raise ReachTimeout(error.what, where=error.where or where, mend=error.mend) from error
