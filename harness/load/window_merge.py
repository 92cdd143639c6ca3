"""Puts the windows of several load processes together, tick by tick. Pure: it is told the time."""

from __future__ import annotations

from collections.abc import Iterable

from harness.clock import Clock
from harness.journal.histogram import merge
from harness.journal.record import FailureKind, RequestStats, Window
from harness.load.message import ProcessWindow
from harness.load.wire import NameCap, tick_start

LATEST_S = 0.12  # a process that is later than this after a tick's end is not waited for


class WindowMerge:
    """`join` and `leave` tell which processes are there, `add` brings their windows, `due` gives what is ready.

    A tick is ready when every process has reported it or a later one, or LATEST_S after its end. What comes later
    still is counted in the next window, so that no request is lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest: dict[int, int] = {}
        self._ticks: dict[int, list[ProcessWindow]] = {}
        self._emitted = -1
        self._late: list[ProcessWindow] = []
        self._names = NameCap()

    def join(self, pid: int, first_tick: int) -> None:
        """From `first_tick` on the process is waited for."""
        self._latest[pid] = first_tick - 1

    def leave(self, pid: int) -> None:
        self._latest.pop(pid, None)

    def add(self, window: ProcessWindow) -> None:
        if window.pid in self._latest:
            self._latest[window.pid] = max(self._latest[window.pid], window.tick)
        if window.tick <= self._emitted:
            self._late.append(window)
        else:
            self._ticks.setdefault(window.tick, []).append(window)

    def due(self, now_boot: float) -> list[Window]:
        """The windows that are ready, in order."""
        ready = []
        for tick in sorted(self._ticks):
            everybody = all(latest >= tick for latest in self._latest.values())
            if not everybody and now_boot < tick_start(tick + 1) + LATEST_S:
                break
            ready.append(self._merged(self._ticks.pop(tick)))
            self._emitted = tick
        return ready

    def due_at(self) -> float | None:
        """When `due` should be asked again even if nothing arrives, on the boot clock."""
        return tick_start(min(self._ticks) + 1) + LATEST_S if self._ticks else None

    def _merged(self, parts: list[ProcessWindow]) -> Window:
        late, self._late = self._late, []
        return Window(
            t=self._clock.now_s(),
            start=self._clock.since_start_s(min(p.start for p in parts)),
            end=self._clock.since_start_s(max(p.end for p in parts)),
            names=self._merged_names([*parts, *late]),
            users=sum(p.users for p in parts),
            in_flight=sum(p.in_flight for p in parts),
            oldest_in_flight_s=max(p.oldest_in_flight_s for p in parts),
            task_errors=sum(p.task_errors for p in (*parts, *late)),
            lag_ms=max(p.lag_ms for p in parts),
            cpu=max(p.cpu for p in parts),
            processes=len({p.pid for p in parts}),
        )

    def _merged_names(self, parts: Iterable[ProcessWindow]) -> dict[str, RequestStats]:
        by_name: dict[str, list[RequestStats]] = {}
        for part in parts:
            for name, stats in part.names.items():
                by_name.setdefault(self._names(name), []).append(stats)
        return {name: _sum(stats) for name, stats in by_name.items()}


def _sum(parts: list[RequestStats]) -> RequestStats:
    if len(parts) == 1:
        return parts[0]
    failures: dict[FailureKind, int] = {}
    for part in parts:
        for kind, count in part.failures.items():
            failures[kind] = failures.get(kind, 0) + count
    return RequestStats(
        requests=sum(p.requests for p in parts), failures=failures, histogram=merge(p.histogram for p in parts)
    )
