"""What a rule is: it looks at a case and names a bottleneck with its evidence, or says nothing."""

from __future__ import annotations

from typing import Protocol

from harness.analysis.case import Case
from harness.journal.record import EvidencePiece, FindingNamed

PIECES = 2  # an accusation needs so many pieces of evidence that a person can open
NAMED_FROM = 0.35  # below this confidence a rule keeps quiet


class Rule(Protocol):
    """One cause. A rule's file is one: it has `examine`."""

    def examine(self, case: Case) -> FindingNamed | None: ...


def enough(pieces: list[EvidencePiece | None], case: Case) -> tuple[EvidencePiece, ...]:
    """The pieces that could be had; the breach or the missed level, in the journal, is the last resort."""
    found = [p for p in pieces if p is not None]
    if len(found) < PIECES:
        last_resort = case.verdict_piece()
        found += [last_resort] if last_resort is not None else []
    return tuple(found)
