"""The injected fault keeps the database server busy: the platform's statements are the same, and take longer.

Signature: the fault's own proof, a query of the platform's role that took clearly longer beside it. The platform's
statements show it too: more time for each call, with as many blocks as in a sound baseline.
"""

from __future__ import annotations

from harness.analysis.case import Case
from harness.analysis.database_work import Statement, work_in
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.span import FaultSpan
from harness.analysis.stretch import sound_before, trouble_stretch
from harness.analysis.work_piece import row_piece
from harness.evidence.work import STATEMENTS
from harness.journal.record import EvidencePiece, FindingNamed, Proof

CAUSE = "slow-queries"
_FAULT = ("slow-queries",)
_SLOWER = 1.5
_SAME_BLOCKS = 1.2


def examine(case: Case) -> FindingNamed | None:
    """Names the fault, where one is on a database of the platform's."""
    faults = [fault for name in case.databases if (fault := case.fault_in(_FAULT, name)) is not None]
    return next((finding for fault in faults if (finding := _finding(case, fault)) is not None), None)


def _finding(case: Case, fault: FaultSpan) -> FindingNamed | None:
    proofs = {p.side: p for p in case.view.of(Proof) if p.fault_id == fault.id and p.effective}
    slower = _slower_piece(case, f"database.{fault.database}")
    wire = proofs.get("wire")
    told = case.record_piece(wire, wire.measured) if wire is not None else None
    confidence = 0.3 + 0.3 * (wire is not None) + 0.15 * ("platform" in proofs) + 0.15 * (slower is not None)
    if confidence < NAMED_FROM:
        return None
    measured = f": {wire.measured}" if wire is not None else ""
    return named(
        case,
        CAUSE,
        confidence,
        [told, slower, case.window_piece(case.failure_text())],
        summary=f'The injected fault "{fault.name}" ({fault.kind} on database {fault.database}) explains this by '
        f"itself: its sessions kept the server busy{measured}. What it exposed: the platform's requests wait for "
        f"whatever else the server works at.",
        fault=fault,
        recommendation="Keep work that can wait away from the server that requests wait for: reports and exports on a "
        "read replica, batches in quiet hours and in small steps, a statement_timeout and a connection limit for the "
        "roles that play them. Cache what many requests ask for, then play the same again.",
    )


def _slower_piece(case: Case, source: str) -> EvidencePiece | None:
    """The platform's statement with the most time, when a call took longer for the same work."""
    sound = sound_before(case)
    work = work_in(case.view, source, trouble_stretch(case))
    earlier = work_in(case.view, source, sound) if sound is not None else None
    if work is None or earlier is None:
        return None
    pairs = [(statement, earlier.find(statement.id)) for statement in work.statements]
    slower = next(((now, was) for now, was in pairs if was is not None and _takes_longer(now, was)), None)
    if slower is None:
        return None
    now, was = slower
    text = f"{source}: {now.mean_ms:.1f} ms a call, {was.mean_ms:.1f} ms in the baseline, for as much work: {now.query}"
    record = max(work.records, key=lambda r: max((s.calls for s in r.statements if s.id == now.id), default=0))
    return row_piece(case, record, (source, STATEMENTS), lambda row: row.get("id") == now.id, text)


def _takes_longer(now: Statement, was: Statement) -> bool:
    """A call takes longer, and reads no more."""
    return now.mean_ms >= _SLOWER * was.mean_ms and now.blocks_per_call <= _SAME_BLOCKS * was.blocks_per_call + 1
