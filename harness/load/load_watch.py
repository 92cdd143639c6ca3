"""The thread that listens to the load and turns what it hears into records."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from harness.clock import Clock, Deadline, boot_s
from harness.journal.record import Gap, LoadEnded, LoadKeptIn, LoadProcessLost, LoadSteered, Note, Record
from harness.load.locust_log import last_words
from harness.load.message import Broken, Halted, Hello, Message, Outside, Page, ProcessWindow, Remark, Steered
from harness.load.process_group import ProcessGroup
from harness.load.telemetry_server import Arrival, TelemetryServer
from harness.load.window_merge import WindowMerge

SILENT_AFTER_S = 1.0
_LOOK_EVERY_S = 0.05
_STRAGGLERS_S = 1.0
_LONGEST_DRAIN_S = 0.5
_LAST_ORDERS_S = 3.0  # in an orderly end the workers leave up to this long before their master


class LoadWatch:
    """Emits Window, Gap, Note, LoadSteered, LoadProcessLost and LoadEnded, the last once at most.

    `news` is set when something happened that a starter waits for: the first hello (`up`), a Locust file that did not
    load (`broken`), the end of the leader (`ended`).
    """

    def __init__(
        self,
        server: TelemetryServer,
        group: ProcessGroup,
        clock: Clock,
        emit: Callable[[Record], None],
        log: Path,
    ) -> None:
        self.news = threading.Event()
        self.up = False
        self.broken: Broken | None = None
        self.ended = False
        self.in_flight = 0
        self.expected_end = False  # set by who asks the load to stop
        self.gone_at: float | None = None  # on the run's clock: when nobody of the group was left
        self._server, self._group, self._clock, self._emit, self._log = server, group, clock, emit, log
        self._merge = WindowMerge(clock)
        self._pids: dict[int, int] = {}  # by connection
        self._heard_at: dict[int, float] = {}  # by process, of those that make requests
        self._lost_at: dict[int, Deadline] = {}
        self._end_told = False
        self._last_gap_at = 0.0
        self._kept_from: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="load-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread, which ends with the process group."""
        self._server.wake()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        ended_at: Deadline | None = None
        while not self._group.empty:
            self._listen(self._wait_s())
            self._report_silence(boot_s())
            self._report_lost()
            if ended_at is None and self._group.leader_exited:
                ended_at = Deadline.after(_STRAGGLERS_S)
            if ended_at is not None and ended_at.passed:
                self._group.kill()  # workers that outlived their master: nobody steers their load any more
        self.gone_at = self._clock.now_s()
        self._drain()
        self.ended = True
        if self.up and not self.expected_end:
            code = self._group.exit_code or 0
            self._tell_end(LoadEnded(t=self._clock.now_s(), exit_code=code, detail=last_words(code, self._log)))
        self.news.set()
        self._server.close()

    def _wait_s(self) -> float:
        due_at = self._merge.due_at()
        return min(_LOOK_EVERY_S, due_at - boot_s() if due_at else _LOOK_EVERY_S)

    def _listen(self, timeout_s: float) -> bool:
        arrivals = self._server.poll(timeout_s)
        for arrival in arrivals:
            self._take(arrival)
        for window in self._merge.due(boot_s()):
            self.in_flight = window.in_flight
            self._emit(window)
        return bool(arrivals)

    def _drain(self) -> None:
        deadline = Deadline.after(_LONGEST_DRAIN_S)
        while self._listen(0.0) and not deadline.passed:
            pass

    def _take(self, arrival: Arrival) -> None:
        if arrival.unreadable:
            self._gap("a line of the load's telemetry could not be read")
        elif arrival.message is None:
            self._lost(self._pids.pop(arrival.connection, 0))
        else:
            self._hear(arrival.connection, arrival.message)

    def _hear(self, connection: int, message: Message) -> None:
        match message:
            case ProcessWindow():
                self._heard_at[message.pid] = boot_s()
                self._merge.add(message)
            case Hello():
                self._greet(connection, message)
            case Broken():
                self.broken = message
                self.news.set()
            case Remark():
                self._emit(Note(t=self._clock.now_s(), level="warning", text=f"load: {message.text}"))
            case Outside():
                self._keep_in(message)
            case Page() | Steered() | Halted():
                self._hear_of_page(message)
            case _:
                pass

    def _keep_in(self, message: Outside) -> None:
        now_s = self._clock.now_s()
        for address, connects in message.connects.items():
            if address not in self._kept_from:
                self._kept_from.add(address)
                text = f"load: kept from connecting to {address}, which is outside the target's allow list"
                self._emit(Note(t=now_s, level="warning", text=text))
            self._emit(LoadKeptIn(t=now_s, address=address, connects=connects))

    def _hear_of_page(self, message: Page | Steered | Halted) -> None:
        now_s = self._clock.now_s()
        if isinstance(message, Page):
            self._emit(Note(t=now_s, text=f"Locust's own web page: {message.url}"))
        elif isinstance(message, Steered):
            self._emit(LoadSteered(t=now_s, users=message.users))
        elif not self.expected_end:
            where = "on Locust's web page" if message.by_person else "by a run time in Locust's own configuration"
            detail = f"the load was stopped {where}"
            self._tell_end(LoadEnded(t=now_s, exit_code=0, detail=detail, by_person=message.by_person))

    def _tell_end(self, ended: LoadEnded) -> None:
        if not self._end_told:
            self._end_told = True
            self._emit(ended)

    def _greet(self, connection: int, hello: Hello) -> None:
        if hello.role != "master":
            self._pids[connection] = hello.pid
            self._heard_at[hello.pid] = boot_s()
            self._merge.join(hello.pid, hello.tick)
        self.up = True
        self.news.set()

    def _lost(self, pid: int) -> None:
        if self._heard_at.pop(pid, None) is None:
            return
        self._merge.leave(pid)
        if not self.expected_end and not self._group.leader_exited:
            self._gap(f"load process {pid} is gone, its users are not replaced")
            self._lost_at[pid] = Deadline.after(_LAST_ORDERS_S)

    def _report_lost(self) -> None:
        """A worker that died, not one that left with its master."""
        for pid in [pid for pid, due in self._lost_at.items() if due.passed]:
            self._lost_at.pop(pid)
            if not (self.expected_end or self._end_told or self._group.leader_exited):
                self._emit(LoadProcessLost(t=self._clock.now_s(), pid=pid, left=len(self._heard_at)))

    def _report_silence(self, now: float) -> None:
        silent = [pid for pid, heard in self._heard_at.items() if now - heard > SILENT_AFTER_S]
        if not silent or self.expected_end or now - self._last_gap_at < SILENT_AFTER_S:
            return
        self._last_gap_at = now
        longest = max(now - self._heard_at[pid] for pid in silent)
        who = f"{len(silent)} of {len(self._heard_at)} load processes" if len(self._heard_at) > 1 else "the load"
        self._gap(f"no window from {who} for {longest:.1f} s")

    def _gap(self, reason: str) -> None:
        self._emit(Gap(t=self._clock.now_s(), source="load", reason=reason))
