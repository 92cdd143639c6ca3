"""The sandbox's supervisor: it starts all parts, watches them, and takes all of them down, in order.

`python -P -m runbooks.sandbox.supervisor FOLDER --name N --ready-fd FD --toxiproxy PROGRAM
[--owned] [--bypass] [--defect D]`
With `--owned`, standard input is a pipe that the owner holds: six seconds after the owner is gone, so is the sandbox.
Those seconds belong to the healer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

from faults.process import start_ticks
from faults.toxiproxy_server import ManagedServer
from harness.clock import Deadline, utc_now
from harness.errors import GamedayError
from runbooks.sandbox import clearance
from runbooks.sandbox.bell import Bell
from runbooks.sandbox.lineup import APPLICATION, Lineup, Listening
from runbooks.sandbox.part import Part, PartPlan, last_words, start
from runbooks.sandbox.place import disk_error
from runbooks.sandbox.port import listen_again
from runbooks.sandbox.state import PartState, SandboxState

OWNER_GRACE_S = 6.0
_READY_POLL_S = 0.02
_WATCH_S = 1.0
_QUIT_S = 2.5
_KILL_S = 5.0
# In this order: nobody loses a server that it still needs for its own goodbye.
_QUIT_ORDER = ((APPLICATION,), ("app-1", "db-1", "paystack", "valkey", "postgresql"))


class Stopped(Exception):
    """Asked to end before everything was up."""


class Supervisor:
    """All parts of one sandbox in `folder`."""

    def __init__(self, folder: Path, options: argparse.Namespace, bell: Bell) -> None:
        self._folder = folder
        self._options = options
        self._bell = bell
        self._parts: list[Part] = []
        self._toxiproxy: ManagedServer | None = None
        self._lineup: Lineup | None = None

    def bring_up(self, deadline: Deadline) -> None:
        """Returns when everything answers. GamedayError when something does not; Stopped when asked to end."""
        listening = Listening.open()
        try:
            lineup = self._lineup = Lineup(
                self._folder, listening, bypass=self._options.bypass, defect=self._options.defect
            )
            self._note("starting")
            lineup.write_files()
            for plan in lineup.own_servers():
                self._start(plan)
        finally:
            listening.close()
        self._start(lineup.valkey())
        self._start(lineup.postgres(deadline))
        self._toxiproxy = ManagedServer.ensure(
            lineup.toxiproxy_folder, lineup.proxies, deadline, binary=Path(self._options.toxiproxy)
        )
        self._wait_ready(deadline)
        self._note("up")

    def watch(self) -> None:
        """Returns when asked to end, or some seconds after the owner has gone."""
        said: set[int] = set()
        while not self._bell.rung:
            if self._bell.wait_for_owner(_WATCH_S):
                self._bell.wait(OWNER_GRACE_S)
                return
            if self._bell.take_restart():
                self._restart_application()
            for part in tuple(self._parts):
                if part.ended and part.state.pid not in said:
                    said.add(part.state.pid)
                    _say(f"{part.plan.name} has ended with {part.process.returncode}")
                    self._replace(part)

    def _replace(self, part: Part) -> None:
        """Where the application has a service manager, it starts it again and says so in its own log."""
        assert self._lineup is not None
        if part.plan.name == APPLICATION and self._lineup.has_service_manager:
            self._lineup.note_death(part.state.pid, part.process.returncode)
            self._restart_application()

    def _restart_application(self) -> None:
        """Ends the application and starts it again on its port. When that fails, the sandbox goes on without it."""
        assert self._lineup is not None
        old = next(part for part in self._parts if part.plan.name == APPLICATION)
        self._end([old])
        try:
            with listen_again(old.plan.port) as listening:
                new = start(self._lineup.application(listening), self._folder)
        except OSError as error:
            _say(f"the application could not be started again: {error}")
            return
        self._parts[self._parts.index(old)] = new
        self._note("up")

    def take_down(self) -> None:
        """Ends every part, whatever state it is in, and removes the folder."""
        for names in _QUIT_ORDER:
            self._end([part for part in self._parts if part.plan.name in names])
        deadline = Deadline.after(_KILL_S)
        clearance.stop_toxiproxy(self._folder)
        clearance.end_marked(self._folder, deadline)
        clearance.remove(self._folder, deadline)

    def _start(self, plan: PartPlan) -> None:
        if self._bell.rung:
            raise Stopped
        self._parts.append(start(plan, self._folder))
        self._note("starting")

    def _wait_ready(self, deadline: Deadline) -> None:
        waiting = list(self._parts)
        while waiting:
            waiting = [part for part in waiting if not part.check()]
            if self._bell.wait(_READY_POLL_S if waiting else 0):
                raise Stopped
            if waiting and deadline.passed:
                late = ", ".join(part.plan.name for part in waiting)
                words = last_words(waiting[0].plan.log)
                raise GamedayError(f"not ready in time: {late}; the first said: {words}", where=self._options.name)

    def _end(self, parts: list[Part]) -> None:
        """Asks parts to end, and kills those that don't."""
        for part in parts:
            part.signal(part.plan.quit_signal)
        self._await_end(parts)
        for part in parts:
            part.signal(signal.SIGKILL)
        self._await_end(parts)

    def _await_end(self, parts: list[Part]) -> None:
        deadline, pause = Deadline.after(_QUIT_S), threading.Event()
        while not all(part.ended for part in parts) and not deadline.passed:
            pause.wait(_READY_POLL_S)

    def _note(self, phase: str) -> None:
        parts = [part.state for part in self._parts]
        if self._toxiproxy is not None:
            server = self._toxiproxy
            port = int(server.api_url.rpartition(":")[2])
            parts.append(PartState(name="toxiproxy", pid=server.pid, ticks=server.start_ticks, port=port))
        SandboxState(
            name=self._options.name,
            phase="up" if phase == "up" else "starting",
            supervisor_pid=os.getpid(),
            supervisor_ticks=start_ticks(os.getpid()) or 0,
            owned=self._options.owned,
            bypass=self._options.bypass,
            defect=self._options.defect,
            started_at=utc_now().isoformat(timespec="seconds"),
            base_url=self._lineup.base_url if self._lineup else "",
            parts=tuple(parts),
        ).write(self._folder)


def main() -> int:
    options = _options()
    folder = Path(options.folder)
    bell = Bell(sys.stdin.fileno() if options.owned else None)
    supervisor = Supervisor(folder, options, bell)
    try:
        answer = _bring_up(supervisor, folder, options.deadline)
        if "error" not in answer:
            _answer(options.ready_fd, answer)
            supervisor.watch()
    finally:
        supervisor.take_down()
    if "error" in answer:
        _answer(options.ready_fd, answer)
    return 1 if "error" in answer else 0


def _bring_up(supervisor: Supervisor, folder: Path, seconds: float) -> dict[str, object]:
    """Brings it up; what to tell who asked for it."""
    try:
        supervisor.bring_up(Deadline.after(seconds))
    except Stopped:
        error: GamedayError = GamedayError("the sandbox was stopped while it came up")
    except GamedayError as failed:
        error = failed
    except OSError as failed:
        error = disk_error(failed, folder)
    except Exception as failed:  # noqa: BLE001 - whoever asked must hear of it; this log goes with the folder
        error = GamedayError(f"the sandbox did not come up: {type(failed).__name__}: {failed}")
    else:
        return {"up": True}
    kind = type(error).__name__
    return {"error": {"kind": kind, "what": error.what, "where": error.where, "mend": error.mend}}


def _answer(ready_fd: int, answer: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(ready_fd, "w", encoding="utf-8") as ready:
        ready.write(json.dumps(answer) + "\n")


def _say(line: str) -> None:
    print(f"{utc_now().isoformat(timespec='seconds')} {line}", file=sys.stderr, flush=True)  # noqa: T201 - its log


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--name", required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--toxiproxy", required=True)
    parser.add_argument("--deadline", type=float, default=20.0)
    parser.add_argument("--owned", action="store_true")
    parser.add_argument("--bypass", action="store_true")
    parser.add_argument("--defect", default="")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
