"""The healer: a process of its own that outlives the conductor, and takes back what it left.

Its standard input is a pipe that the conductor holds. A line "done" ends it in order; an end of file without
that line means that the conductor died.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from faults import healing
from faults.undo import ProcessUndo, Undo
from faults.undo_log import pending
from harness.clock import Clock, Deadline, labelled_by
from harness.errors import GamedayError, NotHealed
from harness.journal.record import FaultHealed, HealFailed, LoadStopped, Note
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList

DONE = b"done"
HEAL_S = 5.0
GIVE_UP_S = 60.0
_AGAIN_S = 0.5
_DISMISS_S = 5.0
_READY = b"ready"
_READY_S = 10.0


@dataclass(frozen=True, slots=True)
class HealerHandle:
    """The running healer, held by the conductor."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def dismiss(self) -> None:
        """The conductor has healed everything itself: end the healer in order, and wait for it."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(DONE + b"\n")
            self.process.stdin.flush()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(_DISMISS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_DISMISS_S)

    def take_over(self) -> None:
        """Something is still injected: the healer goes on trying by itself, for a minute."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()


def start_healer(run_folder: Path, clock: Clock, allow: AllowList) -> HealerHandle:
    """Start the healer of a run, and wait until it stands. Raises GamedayError when it doesn't."""
    command = [sys.executable, "-P", "-m", "faults.healer", "--run-folder", str(run_folder)]
    command += ["--epoch", repr(clock.epoch_boot_s), "--started-at", clock.started_at.isoformat()]
    command += [part for entry in allow.entries for part in ("--allow", entry)]
    run_folder.mkdir(parents=True, exist_ok=True)
    with (run_folder / "healer.log").open("ab") as log:
        # Python's pipes are close-on-exec: no other child of the conductor can keep this one open
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    assert process.stdout is not None
    with process.stdout as says:
        ready, _, _ = select.select([says], [], [], _READY_S)
        stands = bool(ready) and says.readline().strip() == _READY
    if not stands:
        process.kill()
        process.wait(_DISMISS_S)
        assert process.stdin is not None
        process.stdin.close()
        raise GamedayError("the healer did not start", where=str(run_folder / "healer.log"), mend="see that file")
    return HealerHandle(process)


class Healer:
    """Heals what a run left open, until nothing is left or `GIVE_UP_S` have passed."""

    def __init__(self, run_folder: Path, journal: Journal, clock: Clock, allow: AllowList) -> None:
        self._run_folder = run_folder
        self._journal = journal
        self._clock = clock
        self._allow = allow
        self._open: tuple[Undo, ...] = ()
        self._healed: dict[str, str] = {}
        self._failed: set[str] = set()

    def heal_all(self, patience: Deadline) -> bool:
        """Everything pending, in parallel, again and again; True when nothing is left."""
        pause = threading.Event()
        self._journal.write(Note(level="warning", text="the conductor died or gave up: its healer takes over"))
        while not self._round():
            if patience.passed:
                return False
            pause.wait(_AGAIN_S)
        # a call that the conductor had sent when it died may have landed after ours
        pause.wait(_AGAIN_S)
        return self._round()

    def _round(self) -> bool:
        try:
            self._open = self._open or pending(self._run_folder)
        except OSError:
            return False  # the journal can't be read now
        undos = self._open
        if not undos:
            return True
        with ThreadPoolExecutor(max_workers=len(undos), thread_name_prefix="heal") as threads:
            # a list first: one failed heal never skips the next
            outcomes = [healed for step in healing.in_order(undos) for healed in threads.map(self._heal, step)]
        return all(outcomes)

    def _heal(self, undo: Undo) -> bool:
        key = undo.model_dump_json()
        try:
            with labelled_by(self._clock):
                healed = healing.heal(undo, deadline=Deadline.after(HEAL_S), allow=self._allow)
        except Exception as error:  # noqa: BLE001 - one failed heal never stops the others
            if key not in self._failed:
                self._failed.add(key)
                command = error.mend if isinstance(error, NotHealed) else healing.command_of(undo)
                self._journal.write(
                    HealFailed(
                        t=self._clock.now_s(), fault_id=undo.fault_id, by="healer", reason=str(error), command=command
                    )
                )
            return False
        if key not in self._healed:
            self._healed[key] = healed.rung
            self._write_healed(undo, healed.rung, healed.note)
        return True

    def _write_healed(self, undo: Undo, rung: str, note: str) -> None:
        now = self._clock.now_s()
        if isinstance(undo, ProcessUndo) and undo.what == "locust":
            self._journal.write(LoadStopped(t=now, at=now, how="killed"))
            return
        self._journal.write(
            FaultHealed(
                t=now,
                fault_id=undo.fault_id,
                by="healer",
                rung=rung,
                measured_after="the server says so; the healer has no probe",
                verified=None,
                note=note,
            )
        )


def wait_for_the_end(descriptor: int) -> bool:
    """Read the conductor's pipe: True for an orderly end, False when it died."""
    said = b""
    while chunk := os.read(descriptor, 4096):
        said += chunk
        if DONE in said.splitlines():
            return True
    return False


@click.command()
@click.option("--run-folder", type=click.Path(path_type=Path), required=True)
@click.option("--epoch", type=float, required=True)
@click.option("--started-at", required=True)
@click.option("--allow", multiple=True)
def main(run_folder: Path, epoch: float, started_at: str, allow: tuple[str, ...]) -> None:
    """Wait for the conductor's end; heal what it left if it died."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    clock = Clock(epoch_boot_s=epoch, started_at=datetime.fromisoformat(started_at))
    os.write(sys.stdout.fileno(), _READY + b"\n")
    if wait_for_the_end(sys.stdin.fileno()):
        sys.exit(0)
    with Journal(run_folder / "journal", "healer", clock) as journal:
        healed = Healer(run_folder, journal, clock, AllowList(allow)).heal_all(Deadline.after(GIVE_UP_S))
    sys.exit(0 if healed else NotHealed.exit_code)


if __name__ == "__main__":
    main()
