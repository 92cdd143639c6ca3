"""Watches the lever while a run goes on: switched off in mid-run, it halts the run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from runbooks.guard_rails.lever import Lever
from runbooks.inbox import StopAsked

LOOK_EVERY_S = 0.5


class LeverWatch:
    """A context manager with a thread; `ask_stop` is called once at most."""

    def __init__(self, lever: Lever, ask_stop: Callable[[StopAsked], object]) -> None:
        self._lever = lever
        self._ask_stop = ask_stop
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lever", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(LOOK_EVERY_S)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            off = self._lever.read()
            if off is not None:
                self._ask_stop(StopAsked("guard-rail", str(off)))
                return
