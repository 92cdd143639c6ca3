"""Reads a source once a second in a thread of its own and hands over what it read, or that it could not."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from harness.clock import Clock, boot_s
from harness.errors import ReachFailed
from harness.journal.record import Gap, Readings, Record
from harness.monitor.source import CrashWatch, Source, WithClock, WithParts
from harness.reach.foreign_clock import compare

GAP_EVERY_S = 5.0
_ASK_CLOCK_TIMES = 3


class Sampler:
    """Readings of `source` at `interval_s`, on a fixed beat: a slow read skips beats, it never shifts or overlaps them.

    A failed read is a Gap: at once when an outage begins, then at most every 5 s while it lasts. The source is used,
    and at the end closed, by the sampler's thread alone. `emit` must not block.
    """

    def __init__(self, source: Source, emit: Callable[[Record], None], clock: Clock, interval_s: float = 1.0) -> None:
        self.source = source
        self._emit = emit
        self._clock = clock
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._last_gap_boot_s: float | None = None
        self._clock_asked = 0
        self._thread = threading.Thread(target=self._run, name=f"sampler {source.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """No record comes after this. True once the thread has ended and the source is closed; False when it still
        hangs in a read after `timeout_s` (its own deadline ends it, and it closes the source then)."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        begun, beat = boot_s(), 0
        try:
            while not self._stopping.wait(max(0.0, begun + beat * self._interval_s - boot_s())):
                self._take()
                beat = max(beat + 1, int((boot_s() - begun) / self._interval_s) + 1)
        finally:
            self.source.close()

    def _take(self) -> None:
        try:
            values = self.source.read()
        except ReachFailed as error:
            self._gap(str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one source is a gap that people see, not the end of its readings
            self._gap(f"{type(error).__name__}: {error}")
        else:
            self._last_gap_boot_s = None
            self._tell(self.source.name, values)
            self._tell_parts()
            self._tell_crashes()
            self._tell_clock()

    def _tell_parts(self) -> None:
        if isinstance(self.source, WithParts):
            for source, values in self.source.parts().items():
                self._tell(source, values)

    def _tell(self, source: str, values: Mapping[str, float]) -> None:
        """What a server calls a number and is none (NaN, infinity) is no reading, and no journal takes it."""
        finite = {key: value for key, value in values.items() if abs(value) <= sys.float_info.max}
        self._hand_over(Readings(t=self._clock.now_s(), source=source, values=finite))

    def _tell_clock(self) -> None:
        """Once, at the start; the way there is open by now."""
        if self._clock_asked >= _ASK_CLOCK_TIMES or not isinstance(self.source, WithClock):
            return
        self._clock_asked += 1
        with suppress(Exception):  # its readings go on all the same
            self._hand_over(compare(self.source.name, self.source.time, self._clock))
            self._clock_asked = _ASK_CLOCK_TIMES

    def _tell_crashes(self) -> None:
        if isinstance(self.source, CrashWatch):
            for crash in self.source.new_crashes():
                self._hand_over(crash.model_copy(update={"t": self._clock.now_s()}))

    def _gap(self, reason: str) -> None:
        now = boot_s()
        if self._last_gap_boot_s is None or now - self._last_gap_boot_s >= GAP_EVERY_S:
            self._last_gap_boot_s = now
            self._hand_over(Gap(t=self._clock.now_s(), source=self.source.name, reason=reason))

    def _hand_over(self, record: Record) -> None:
        if not self._stopping.is_set():
            self._emit(record)
