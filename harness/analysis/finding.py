"""What a rule is: it looks at a case and names a bottleneck with its evidence, or says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.analysis.case import Case
from harness.analysis.span import FaultSpan
from harness.journal.record import EvidencePiece, FindingNamed

PIECES = 2  # an accusation needs so many pieces of evidence that a person can open
NAMED_FROM = 0.35  # below this confidence a rule keeps quiet


class Rule(Protocol):
    """One cause. A rule's file is one: it has `examine`."""

    def examine(self, case: Case) -> FindingNamed | None: ...


def named(
    case: Case,
    cause: str,
    confidence: float,
    pieces: Sequence[EvidencePiece | None],
    *,
    summary: str,
    recommendation: str,
    fault: FaultSpan | None = None,
) -> FindingNamed | None:
    """The finding by the pieces of evidence that could be had; the breach or the missed level, in the journal, is the
    last resort. None where too few are left to accuse. `fault`: the injected one that explains it."""
    evidence = [p for p in pieces if p is not None]
    if len(evidence) < PIECES and (last_resort := case.verdict_piece()) is not None:
        evidence.append(last_resort)
    if len(evidence) < PIECES:
        return None
    return FindingNamed(
        cause=cause,
        summary=summary,
        confidence=round(confidence, 2),
        explained_by_fault=fault.id if fault is not None else None,
        evidence=tuple(evidence),
        recommendation=recommendation,
    )
