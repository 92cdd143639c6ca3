"""Ctrl-C, SIGTERM and SIGHUP: while a run is played they are messages in its inbox, before and after they interrupt.
Ctrl-Z would leave the faults on and nobody to guard them: while a run is played it only says so."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from harness.journal.record import Note
from runbooks.inbox import Inbox, StopAsked

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SENT_BY = {signal.SIGTERM: " (gameday stop, or a kill)", signal.SIGHUP: " (the terminal was closed)"}


@contextmanager
def stop_signals(inbox: Inbox) -> Iterator[None]:
    """The handlers only put a message: nothing that they could deadlock with."""

    def asked(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            inbox.put(StopAsked("person", "a person pressed Ctrl-C", hurries=True))
        elif number == signal.SIGTSTP:
            inbox.put(Note(level="warning", text="Ctrl-Z stops nothing here: a fault would stay on; press Ctrl-C"))
        else:
            came = f"{signal.Signals(number).name} came{_SENT_BY[signal.Signals(number)]}"
            # a terminal that is closed sends its SIGHUP twice
            inbox.put(StopAsked("signal", came, hurries=number == signal.SIGTERM))

    with _handled_by(asked, (*_SIGNALS, signal.SIGTSTP)):
        yield


@contextmanager
def interrupting_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does: whatever it has open is closed on the way out."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def _handled_by(
    handler: Callable[[int, FrameType | None], None], signals: tuple[signal.Signals, ...] = _SIGNALS
) -> Iterator[None]:
    # who starts us under nohup wants no hang-up
    numbers = [n for n in signals if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
