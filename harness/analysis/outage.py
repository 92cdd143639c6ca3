"""A server that our own readings no longer reach in the trouble, whatever the platform says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.span import Span
from harness.journal.record import EvidencePiece, Gap, Readings

# answers of a server that is there, but not for us
_ANSWERED = re.compile(
    r"too many (?:clients|connections)|slots are reserved|authentication|permission|does not exist|NOAUTH|WRONGPASS"
    r"|max number of clients"
)
_DEAD = re.compile(
    r"refused|closed|terminat|reset|[Bb]roken pipe|[Cc]onnection (?:is |was )?lost|unreachable|[Nn]o route"
    r"|shutting down|starting up|recovery mode|[Ll]oading the dataset"
)
_SILENT = re.compile(r"tim(?:ed? ?out|eout)|no answer")
# where readings go through the proxy after all, silence is the fault's
_SILENCING = ("pool-exhaustion", "hang", "timeout")
_LONG_S = 2.5  # a session of ours that is cut is back at the next beat; a server that is away is not
_NOTICED_S = 3.0  # until the next reading has failed
_QUOTED = 160


@dataclass(frozen=True, slots=True)
class Outage:
    """`gap` is the first reading that failed. `silent`: the server didn't refuse, it gave no answer."""

    gap: Gap
    silent: bool

    def piece(self, case: Case) -> EvidencePiece | None:
        """The failed reading, in the journal."""
        how = "not answered" if self.silent else "refused or cut"
        reason = self.gap.reason if len(self.gap.reason) <= _QUOTED else self.gap.reason[: _QUOTED - 1] + "…"
        text = (
            f"{self.gap.source}: our own readings are {how} since {self.gap.t:.1f} s, after a good baseline: {reason}"
        )
        return case.record_piece(self.gap, text)


def find_outage(case: Case, source: str, proxy: str) -> Outage | None:
    """The outage of `source` ("database.main", "cache.main") in the trouble, if it was read well in the baseline."""
    gaps = [g for g in case.view.of(Gap) if g.source == source]
    read = [r.t for r in case.view.of(Readings) if r.source == source]
    well = sum(case.baseline.start <= t <= case.baseline.end for t in read)
    badly = sum(case.baseline.start <= g.t <= case.baseline.end for g in gaps)
    if not well or badly >= well:
        return None
    # a breach comes soon, perhaps sooner than our own next reading
    until = case.trouble.end + (_NOTICED_S if case.breach is not None else 0.0)
    trouble = Span(case.trouble.start, until)
    for gap in gaps:
        back = min((t for t in read if t > gap.t), default=float("inf"))
        away = Span(gap.t, back)
        if away.overlaps(trouble) and back - gap.t >= _LONG_S and (outage := _judge(gap)) is not None:
            ours = outage.silent and proxy and case.fault_on(_SILENCING, [proxy]) is not None
            return None if ours else outage
    return None


def _judge(gap: Gap) -> Outage | None:
    if _ANSWERED.search(gap.reason):
        return None
    if _DEAD.search(gap.reason):
        return Outage(gap, silent=False)
    return Outage(gap, silent=True) if _SILENT.search(gap.reason) else None
