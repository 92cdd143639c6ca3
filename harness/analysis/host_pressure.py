"""What an injected fault on a host or on containers explains: the resource that it took was missing to the platform.

Each rule on a resource asks here first, so that what gameday took is not put down to the platform or its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.case import Case
from harness.analysis.finding import named
from harness.analysis.span import FaultSpan
from harness.journal.record import EvidencePiece, FindingNamed, Proof

_CONFIDENCE = 0.72


def taken_by_us(
    case: Case, kinds: Sequence[str], cause: str, *, exposed: str, recommendation: str
) -> FindingNamed | None:
    """The finding `cause`, explained by a fault of `kinds` on a host or containers that was on in the trouble and shown
    there; None where there was none. `exposed`: what the fault has brought to light, in a half sentence."""
    fault = next((f for f in case.faults if (f.host or f.hit) and f.kind in kinds), None)
    if fault is None or not case.suffers:
        return None
    shown = [p for p in case.view.of(Proof) if p.fault_id == fault.id and p.effective]
    pieces: list[EvidencePiece | None] = [_piece(case, proof) for proof in shown]
    if not shown:
        return None
    return named(
        case,
        cause,
        _CONFIDENCE,
        [*pieces, case.window_piece(case.failure_text())],
        summary=_summary(fault, shown[0].measured, exposed),
        fault=fault,
        recommendation=recommendation,
    )


def _piece(case: Case, proof: Proof) -> EvidencePiece | None:
    return case.record_piece(proof, f"measured {proof.side}: {proof.measured}")


def _summary(fault: FaultSpan, measured: str, exposed: str) -> str:
    where = fault.host or ", ".join(fault.hit)
    return (
        f'The injected fault "{fault.name}" ({fault.kind} on {where}) explains this by itself: {measured}. '
        f"What it exposed: {exposed}."
    )
