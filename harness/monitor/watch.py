"""Looks at something through the whole run in a thread of its own: often in passing, and now and then at all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from harness.clock import boot_s
from harness.errors import ReachFailed
from harness.journal.record import EvidenceMissing, Record

SNAPSHOT_EVERY_S = 5.0
PAUSE_S = 3.0  # after a failure: a server that is full or down is not asked at every beat
_SOON_S = 0.3  # moments so close to each other are one


class Watched(Protocol):
    """What a watch looks at. Used by one thread at a time; each call ends in bounded time or raises ReachFailed."""

    @property
    def name(self) -> str: ...

    @property
    def beat_s(self) -> float: ...

    def glance(self) -> Iterable[Record]:
        """At every beat: something short."""
        ...

    def snapshot(self) -> Iterable[Record]:
        """The difference to the last snapshot."""
        ...

    def missing(self) -> tuple[EvidenceMissing, ...]:
        """What could not be had, and how to have it the next time; from any thread."""
        ...

    def close(self) -> None: ...


class Watch:
    """A snapshot at once, then every 5 s and whenever `ask` is called, and a last one in `finish`.

    A look that fails says nothing here (the readings of the same server tell of an outage); what stays unknown at the
    end is in `missing`. `emit` must not block.
    """

    def __init__(self, watched: Watched, emit: Callable[[Record], None]) -> None:
        self._watched = watched
        self._emit = emit
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._asked = threading.Event()
        self._failed = "it was not read"
        self._taken_boot_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch {watched.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """A snapshot soon; returns at once."""
        self._asked.set()
        self._wake.set()

    def finish(self, timeout_s: float) -> bool:
        """A last snapshot, then the end; False where it is not over after `timeout_s` (its own deadline ends it)."""
        self._ending.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def missing(self) -> tuple[EvidenceMissing, ...]:
        """What could not be had: all of it, or parts."""
        last = "" if self._taken_boot_s is None else ", but for the time before"
        failed = self._failed
        whole = (EvidenceMissing(source=self._watched.name, what="its work", reason=f"{failed}{last}"),)
        return (*(whole if failed else ()), *self._watched.missing())

    def _run(self) -> None:
        pause_s = 0.0
        try:
            while True:
                self._wake.wait(pause_s)
                self._wake.clear()
                ending = self._ending.is_set()
                begun_s = boot_s()
                well = self._look(snapshot=ending or self._due())
                took_s = boot_s() - begun_s
                # a server with thousands of sessions is looked at less often: at most a fifth of the time
                pause_s = max(self._watched.beat_s, 4 * took_s) if well else PAUSE_S
                if ending:
                    return
        finally:
            self._watched.close()

    def _due(self) -> bool:
        since_s = SNAPSHOT_EVERY_S if self._taken_boot_s is None else boot_s() - self._taken_boot_s
        asked = self._asked.is_set() and since_s >= _SOON_S
        return asked or since_s >= SNAPSHOT_EVERY_S

    def _look(self, *, snapshot: bool) -> bool:
        try:
            if snapshot:
                self._asked.clear()
                records = tuple(self._watched.snapshot())
                self._taken_boot_s = boot_s()
            else:
                records = tuple(self._watched.glance())
        except ReachFailed as error:
            self._failed = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - a bug in one look is missing evidence, not the end of the others
            self._failed = f"{type(error).__name__}: {error}"
            return False
        self._failed = ""
        for record in records:
            self._emit(record)
        return True
