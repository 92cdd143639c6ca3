"""A call with a deadline, for libraries that have waits without one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from harness.clock import Deadline
from harness.errors import ReachTimeout

T = TypeVar("T")


class _Outcome(Generic[T]):
    def __init__(self) -> None:
        self.done = threading.Event()
        self.values: list[T] = []
        self.error: BaseException | None = None

    def of(self, work: Callable[[], T]) -> None:
        try:
            self.values.append(work())
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread and raised there
            self.error = error
        finally:
            self.done.set()


def bounded(work: Callable[[], T], deadline: Deadline, *, give_up: Callable[[], object], late: str) -> T:
    """What `work` returns or raises, in a thread of its own.

    At the deadline `give_up` is called (it should end what `work` waits for), the thread is left behind, and
    ReachTimeout is raised with the sentence `late`. `give_up` is called too when the wait itself is interrupted.
    """
    outcome = _Outcome[T]()
    threading.Thread(target=outcome.of, args=(work,), name="bounded", daemon=True).start()
    in_time = False
    try:
        in_time = outcome.done.wait(deadline.left_s())
    finally:
        if not in_time:
            give_up()
    if not in_time:
        raise ReachTimeout(late)
    if outcome.error is not None:
        raise outcome.error
    return outcome.values[0]
