"""Locust in a process group of its own: start it, hear its windows, and end it whatever its users are doing."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.clock import Clock, Deadline
from harness.errors import BadInput, GamedayError, LoadFailed
from harness.journal.record import LoadStopped, Record
from harness.load.load_spec import LoadSpec
from harness.load.load_watch import LoadWatch
from harness.load.locust_command import allow_arguments, check_file, child_command, locust_arguments
from harness.load.locust_log import last_useful_line
from harness.load.process_group import ProcessGroup
from harness.load.telemetry_server import TelemetryServer
from harness.load.wire import ON_STOP_S, QUIT, QUIT_POLITELY, SOCKET_VARIABLE

__all__ = ["LoadSpec", "LocustProcess"]

KILLED_WITHIN_S = 2.0
DEFAULT_GRACE_S = 0.3
_USAGE_EXIT = 2
_BAD_FILE = ("Could not find", "No User class found", "Unknown User", "No tasks defined")


class LocustProcess:
    """One load. `emit` is called with Window, Gap, Note and LoadEnded records from a thread of ours.

    As a context manager it is stopped at the end. `stop` may be called from any thread, at any time, again.
    """

    def __init__(self, spec: LoadSpec, clock: Clock, emit: Callable[[Record], None]) -> None:
        self._spec, self._clock, self._emit = spec, clock, emit
        self._state = threading.Lock()
        self._stopping = threading.Lock()
        self._group: ProcessGroup | None = None
        self._watch: LoadWatch | None = None
        self._server: TelemetryServer | None = None
        self._stopped: LoadStopped | None = None
        self._cancelled = False

    @property
    def pgid(self) -> int:
        """The process group's number, which is its leader's too; 0 before `start`."""
        return self._group.pgid if self._group else 0

    @property
    def start_ticks(self) -> int:
        """When the leader began (field 22 of /proc/<pid>/stat): with `pgid` it names the process for good."""
        return self._group.start_ticks if self._group else 0

    @property
    def alive(self) -> bool:
        """Some process of the group is left."""
        return self._group is not None and not self._group.empty

    def start(self, deadline: Deadline) -> None:
        """Start Locust and wait until it is up. Nothing is left running when this raises.

        Raises BadInput for a Locust file that can't be loaded or arguments that Locust refuses, LoadFailed if Locust
        ends or does not come up by the deadline; both name the log.
        """
        watch = self._spawn()
        while not (watch.up or watch.ended or deadline.passed):
            watch.news.wait(deadline.left_s())
            if watch.broken:
                break
        if watch.up and not watch.ended:
            return
        timed_out = not (watch.ended or watch.broken)
        self.stop(0.0)
        raise self._failure(watch, timed_out=timed_out)

    def stop(self, grace_s: float = DEFAULT_GRACE_S) -> LoadStopped:
        """End the load: ask all processes, after `grace_s` kill the group, return once no process of it is left.

        With more than 2 s of grace the users have 1 s for their `on_stop`; otherwise it is cut short at once.
        Raises LoadFailed if one survives SIGKILL for 2 s (it hangs in the kernel); a later call tries again.
        """
        with self._state:
            self._cancelled = True
        with self._stopping:
            if self._stopped is None:
                self._stopped = self._end(grace_s)
            return self._stopped

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def _spawn(self) -> LoadWatch:
        spec = self._spec
        checked = replace(spec, locustfile=check_file(spec.locustfile))
        arguments = [*allow_arguments(spec.allow), *locust_arguments(checked)]
        command = child_command("harness.load.locust_entry", *arguments)
        with self._state:
            if self._cancelled:
                raise LoadFailed("the load was stopped before it began")
            server = TelemetryServer()
            try:
                leader = self._popen(command, server.path)
            except OSError as error:
                server.close()
                raise LoadFailed(f"Locust could not be started: {error.strerror}", where=str(error.filename)) from error
            self._server, self._group = server, ProcessGroup(leader)
            self._watch = LoadWatch(server, self._group, self._clock, self._emit, spec.log)
            self._watch.start()
            return self._watch

    def _popen(self, command: list[str], socket: Path) -> subprocess.Popen[bytes]:
        self._spec.log.parent.mkdir(parents=True, exist_ok=True)
        with self._spec.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._spec.cwd,
                env={**os.environ, SOCKET_VARIABLE: str(socket), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end(self, grace_s: float) -> LoadStopped:
        group, watch = self._group, self._watch
        if group is None or watch is None or self._server is None:
            return LoadStopped(t=self._clock.now_s(), at=self._clock.now_s(), how="asked")
        how = "ended" if group.empty else "asked"
        watch.expected_end = True
        self._server.broadcast(QUIT_POLITELY if grace_s > 2 * ON_STOP_S else QUIT)
        if not group.wait_empty(Deadline.after(grace_s)):
            how = "killed"
            group.kill()
            self._wait_killed(group)
        at = self._clock.now_s()
        watch.join(KILLED_WITHIN_S)
        at = min(at, watch.gone_at) if watch.gone_at is not None else at
        return LoadStopped(t=self._clock.now_s(), at=at, how=how, in_flight=watch.in_flight)

    def _wait_killed(self, group: ProcessGroup) -> None:
        deadline = Deadline.after(KILLED_WITHIN_S)
        while not group.wait_empty(Deadline.after(min(0.2, deadline.left_s()))):
            if deadline.passed:
                pids = ", ".join(map(str, group.left()))
                raise LoadFailed(
                    f"the load survived SIGKILL for {KILLED_WITHIN_S:g} s",
                    where=f"processes {pids}",
                    mend=f"kill -9 {pids.replace(',', '')}",
                )
            group.kill()  # one that was being forked when the last signal went out

    def _failure(self, watch: LoadWatch, *, timed_out: bool) -> GamedayError:
        log = f"Locust's output is in {self._spec.log}"
        if watch.broken:
            file = watch.broken.file or str(self._spec.locustfile)
            place = f"{file}:{watch.broken.line}" if watch.broken.line else file
            return BadInput(f"the Locust file does not load: {watch.broken.what}", where=place, mend=log)
        said = last_useful_line(self._spec.log)
        if timed_out:
            return LoadFailed(f"Locust did not come up in time; it last said: {said or 'nothing'}", mend=log)
        exit_code = self._group.exit_code if self._group else None
        if exit_code == _USAGE_EXIT or any(mark in said for mark in _BAD_FILE):
            return BadInput(f"Locust refuses its input: {said}", where=str(self._spec.locustfile), mend=log)
        return LoadFailed(
            f"Locust ended before the load began (exit code {exit_code}): {said or 'it said nothing'}", mend=log
        )
