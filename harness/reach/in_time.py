"""A call with a deadline, for libraries that have waits without one; it leaves nothing open when its result comes
after all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from harness.errors import ReachTimeout

T = TypeVar("T")


class _Call(Generic[T]):
    """Who gets the result: the caller, or, once the caller has given up, whoever closes it."""

    def __init__(self, late: Callable[[T], None]) -> None:
        self.done = threading.Event()
        self.results: list[T] = []
        self.error: BaseException | None = None
        self._late = late
        self._lock = threading.Lock()
        self._withdrawn = False

    def make(self, call: Callable[[], T]) -> None:
        try:
            result = call()
            with self._lock:
                self.results.append(result)
                withdrawn = self._withdrawn
            if withdrawn:
                self._late(result)
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread and raised there
            self.error = error
        finally:
            self.done.set()

    def withdraw(self) -> None:
        with self._lock:
            self._withdrawn = True
            results = list(self.results)
        for result in results:
            self._late(result)


def in_time(
    call: Callable[[], T],
    *,
    timeout_s: float,
    where: str,
    release: Callable[[], object] = lambda: None,
    late: Callable[[T], None] = lambda _: None,
    what: str = "",
) -> T:
    """`call()` in a thread of its own: its result or its exception, at the latest after `timeout_s`.

    Name look-ups and slow drips, which no library bounds, end too. After the deadline, or when the wait itself is
    interrupted, the thread is left behind, `release` is called to unblock it (cut its socket off, say), and a result
    that still comes is given to `late`, to be closed. Raises ReachTimeout at the deadline, with the sentence `what`.
    """
    made = _Call(late)
    threading.Thread(target=made.make, args=(call,), name=f"in time: {where}", daemon=True).start()
    ended = False
    try:
        ended = made.done.wait(timeout_s)
    finally:
        if not ended:
            made.withdraw()
            release()
    if not ended:
        raise ReachTimeout(what or f"no answer within {timeout_s:g} s", where=where)
    if made.error is not None:
        raise made.error
    return made.results[0]
