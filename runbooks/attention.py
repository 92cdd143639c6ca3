"""A slow step beside the inbox: while it goes on, a Ctrl-C is heard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from harness.errors import GamedayError
from harness.journal.record import Record
from runbooks.inbox import Inbox, StopAsked, Wake
from runbooks.recorder import Recorder

T = TypeVar("T")


class Interrupted(GamedayError):
    """Somebody asked for the end before the load had started."""

    exit_code = 11

    def __init__(self, asked: StopAsked) -> None:
        super().__init__(asked.reason)
        self.asked = asked


def attend(step: Callable[[], T], inbox: Inbox, recorder: Recorder, *, must_end: bool = False) -> T:
    """What `step` answers, run in a thread. Raises what it raises, and Interrupted when a stop is asked for first.

    A step that starts what must be stopped later `must_end`: a stop asked for meanwhile stays in the inbox, and the
    next step is interrupted instead.
    """
    answers: list[T] = []
    later: list[StopAsked] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(step())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            errors.append(error)
        inbox.put(Wake())

    threading.Thread(target=work, name="step", daemon=True).start()
    while not answers and not errors:
        message = inbox.get(0.25)
        if isinstance(message, StopAsked):
            if not must_end:
                raise Interrupted(message)
            later.append(message)
        if isinstance(message, Record):
            recorder.record(message)
    for asked in later:
        inbox.put(asked)
    return _outcome(answers, errors)


def _outcome(answers: list[T], errors: list[BaseException]) -> T:
    if errors:
        raise errors[0]
    return answers[0]
