"""Ctrl-C, SIGTERM and SIGHUP: while a run is played they are messages in its inbox, before and after they interrupt."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from runbooks.inbox import Inbox, StopAsked

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals(inbox: Inbox) -> Iterator[None]:
    """The handlers only put a message: nothing that they could deadlock with."""

    def asked(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            inbox.put(StopAsked("person", "a person pressed Ctrl-C"))
        else:
            inbox.put(StopAsked("signal", f"the signal {signal.Signals(number).name} came"))

    with _handled_by(asked):
        yield


@contextmanager
def interrupting_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does: whatever it has open is closed on the way out."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # who starts us under nohup wants no hang-up
    numbers = [n for n in _SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
