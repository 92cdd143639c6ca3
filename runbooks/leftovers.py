"""After a crash: what dead runs left injected, and its healing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faults import undo_log
from faults.healing import heal, in_order, what_is
from faults.undo import Undo
from harness.clock import Deadline, labelled_by
from harness.errors import NotHealed
from harness.journal import reader
from harness.journal.record import FaultHealed, HealFailed, Record, RunStarted
from harness.journal.writer import Journal
from harness.reach.allow_list import AllowList
from runbooks.gone_hosts import why_gone
from runbooks.run_clock import clock_of_run
from runbooks.run_folder import all_runs, conductor_of
from runbooks.sealing import seal_again

HEAL_S = 8.0


@dataclass(frozen=True, slots=True)
class Leftover:
    """An undo record of a dead run that nobody has healed yet. `name`: the fault's in the runbook, "" for no fault."""

    run_folder: Path
    undo: Undo
    name: str = ""

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.undo.fault_id}{name} ({what_is(self.undo)}) of run {self.run_folder.name}"


@dataclass(frozen=True, slots=True)
class Healing:
    """How the healing of one leftover went. `error` is "" when it is healed, else says what to type."""

    leftover: Leftover
    how: str
    error: str = ""


def find(runs: Path) -> Iterator[Leftover]:
    """The leftovers of every dead run in `runs`; a run whose conductor lives heals its own."""
    for folder in all_runs(runs):
        if conductor_of(folder) is None and (left := undo_log.left_injected(folder)):
            started = reader.read(folder).last(RunStarted)
            names = {fault.id: fault.name for fault in started.faults} if started else {}
            for undo in left:
                yield Leftover(folder, undo, names.get(undo.fault_id, ""))


def heal_all(
    leftovers: tuple[Leftover, ...], *, by_preflight: bool = False, gone: Collection[str] = ()
) -> tuple[Healing, ...]:
    """Heal them side by side; each outcome goes into its run's journal. One that fails skips no other. `gone`: hosts
    that a person says are gone for good."""
    if not leftovers:
        return ()
    by_undo = {id(leftover.undo): leftover for leftover in leftovers}
    with ThreadPoolExecutor(max_workers=min(16, len(leftovers))) as pool:
        healings = tuple(
            healing
            for step in in_order([leftover.undo for leftover in leftovers])
            for healing in pool.map(lambda undo: _heal(by_undo[id(undo)], gone, by_preflight=by_preflight), step)
        )
    for folder in {leftover.run_folder for leftover in leftovers}:
        seal_again(folder, "heal")
    return healings


def _heal(leftover: Leftover, gone: Collection[str], *, by_preflight: bool) -> Healing:
    undo, by = leftover.undo, "preflight" if by_preflight else "heal"
    try:
        # the target may have changed since; the record names only what that run was allowed to touch
        with labelled_by(clock_of_run(reader.read(leftover.run_folder))):
            healed = heal(undo, deadline=Deadline.after(HEAL_S), allow=AllowList(("0.0.0.0/0", "::/0")))
    except NotHealed as error:
        if why := why_gone(undo, gone):
            _tell(leftover, FaultHealed(fault_id=undo.fault_id, by=by, rung="gone", note=why))
            return Healing(leftover, f"gone, {why}")
        _tell(leftover, HealFailed(fault_id=undo.fault_id, by=by, reason=error.what, command=error.mend))
        return Healing(leftover, "", str(error))
    unwritten = _tell(leftover, FaultHealed(fault_id=undo.fault_id, by=by, rung=healed.rung, note=healed.note))
    how = ", ".join(part for part in (healed.rung, healed.note, unwritten) if part)
    return Healing(leftover, how)


def _tell(leftover: Leftover, record: Record) -> str:
    """Into a segment of our own in the dead run's journal, on that run's clock; why not, or ""."""
    clock = clock_of_run(reader.read(leftover.run_folder))
    name = f"heal-{os.getpid()}-{leftover.undo.fault_id}"
    with Journal(leftover.run_folder / "journal", name, clock) as journal:
        journal.write(record)
    return f"that could not be written down: {journal.last_error}" if journal.lost else ""
