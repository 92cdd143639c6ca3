"""The terminal's lines: the timeline's words, and the service levels that were met too."""

from __future__ import annotations

from harness.journal.record import Gap, LevelJudged, PhaseEnded, Record, RunStarted, VerdictReached
from harness.report.telling import Told, tell


class Narrator:
    """Tells each record once; a gap of one source in a row only at its first."""

    def __init__(self) -> None:
        self._fault_names: dict[str, str] = {}
        self._gaps: set[str] = set()

    def line(self, record: Record) -> Told | None:
        """The line for a record; None: nothing to say (windows, readings, what the summary says again)."""
        if isinstance(record, RunStarted):
            self._fault_names = {f.id: f.name for f in record.faults}
            return None
        if isinstance(record, PhaseEnded | VerdictReached):
            return None
        if isinstance(record, Gap):
            return self._gap(record)
        if isinstance(record, LevelJudged) and record.met:
            return Told(f"Service level met in {record.phase}: {record.text.removesuffix(': met') or record.name}")
        return tell(record, self._fault_names)

    def _gap(self, gap: Gap) -> Told | None:
        if gap.source in self._gaps:
            return None
        self._gaps.add(gap.source)
        return Told(f"Nothing known of {gap.source}: {gap.reason}", "warning")
