"""What a run left injected, as its journal says: undo records that nothing closed."""

from __future__ import annotations

from pathlib import Path

from faults.healing import read_undo
from faults.process import group_alive
from faults.toxiproxy_process import read_state
from faults.undo import ProcessUndo, Undo
from harness.journal import reader
from harness.journal.reader import JournalView
from harness.journal.record import FaultHealed, InjectionFailed, LoadEnded, LoadStopped, UndoWritten


def left_injected(run_folder: Path) -> tuple[Undo, ...]:
    """What of `pending` is still there, as far as this machine can tell: a process that has ended is not."""
    return tuple(undo for undo in pending(run_folder) if not isinstance(undo, ProcessUndo) or _still_there(undo))


def _still_there(undo: ProcessUndo) -> bool:
    if group_alive(undo.pgid, undo.start_ticks):
        return True
    return bool(undo.managed_folder) and read_state(Path(undo.managed_folder)) is not None


def pending(run_folder: Path) -> tuple[Undo, ...]:
    """The undo records of a run folder that are still open, in the order they were written; () without a journal."""
    return still_open(reader.read(run_folder))


def still_open(journal: JournalView) -> tuple[Undo, ...]:
    """The undo records of a journal without a later end: a fault healed, an injection taken back, a load stopped."""
    ended: dict[str, float] = {}
    for record in journal.of(FaultHealed) + journal.of(InjectionFailed):
        ended[record.fault_id] = max(record.t, ended.get(record.fault_id, record.t))
    loads = [record.t for record in journal.of(LoadStopped) + journal.of(LoadEnded)]
    found = [(written.t, undo) for written in journal.of(UndoWritten) if (undo := read_undo(written.undo)) is not None]
    return tuple(
        undo
        for t, undo in found
        if ended.get(undo.fault_id, -1.0) < t and not (_is_load(undo) and any(end >= t for end in loads))
    )


def _is_load(undo: Undo) -> bool:
    return isinstance(undo, ProcessUndo) and undo.what == "locust"
