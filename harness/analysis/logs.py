"""The collected log files, searched for a signature: how often, and a line that a person can open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from harness.analysis.engine_stamp import split_stamp
from harness.analysis.log_time import LogClock, stamp
from harness.journal.reader import JournalView
from harness.journal.record import ClockOffset, EvidenceCollected, EvidenceFile, RunStarted

_RESOLUTION_S = 1.0  # nginx's access log cuts the second off
_ANY = re.compile("")
_OURS = "gameday"  # the tables that we write ourselves
_NO_HOSTS = ("database.", "cache.")
_LONGEST = 2000  # characters of a line that are looked at


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a file inside the run folder, counted from 1; `at_s` since the start of the run, None: unknown."""

    path: str
    number: int
    text: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Hits:
    """Where a signature was found: `lines` are the first few of `count`."""

    count: int = 0
    lines: tuple[LogLine, ...] = ()

    @property
    def first(self) -> LogLine | None:
        return self.lines[0] if self.lines else None

    def __bool__(self) -> bool:
        return self.count > 0


class Logs:
    """The log files of a run's evidence. Files outside the run folder, whatever names them, are not opened."""

    KEEP = 20

    def __init__(
        self,
        run_folder: Path,
        files: Sequence[EvidenceFile],
        started_at: datetime | None,
        length_s: float,
        ahead_s: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """`ahead_s`: how far the clocks of sources are ahead of the run's; of "docker" for all containers."""
        self._root = run_folder.resolve()
        self._started_at = started_at
        self._length_s = length_s
        self._ahead_s = ahead_s
        self._inside_of = {f: p for f in files if (p := self._inside(f.path)) is not None}

    @property
    def files(self) -> tuple[EvidenceFile, ...]:
        """The files that are there."""
        return tuple(self._inside_of)

    def lines(self, file: EvidenceFile) -> Iterator[LogLine]:
        """Every line of one of `files`."""
        return self._matching(file, _ANY)

    def search(self, signature: str, since_s: float, until_s: float) -> Hits:
        """The lines that match the regular expression and were written in [since_s, until_s]; a line whose time is
        unknown counts too."""
        pattern = re.compile(signature)
        count: int = 0
        kept: list[LogLine] = []
        for file in self._inside_of:
            in_file = 0
            for line in self._matching(file, pattern):
                if line.at_s is not None and not since_s - _RESOLUTION_S <= line.at_s <= until_s:
                    continue
                count, in_file = count + 1, in_file + 1
                if in_file <= self.KEEP:
                    kept.append(line)
        return Hits(count, tuple(kept))

    def _matching(self, file: EvidenceFile, signature: re.Pattern[str]) -> Iterator[LogLine]:
        path = self._inside_of[file]
        ahead_s = self._ahead_s.get("docker" if file.source.startswith("container.") else file.source, 0.0)
        clock = LogClock(self._started_at, self._length_s, ahead_s) if self._started_at is not None else None
        name = path.relative_to(self._root).as_posix()
        stamped = ""
        with path.open(encoding="utf-8", errors="replace") as lines:
            for number, raw in enumerate(lines, start=1):
                engine_stamp, text = split_stamp(raw[:_LONGEST].rstrip())
                # the lines of a traceback have the time of the line above them
                if text[:1].isdigit() or text[:1] == "[":
                    stamped = text
                if signature.search(text):
                    own = engine_stamp or (text if _has_stamp(text) else stamped)
                    yield LogLine(name, number, text, clock.since_start_s(own) if clock is not None else None)

    def _inside(self, path: str) -> Path | None:
        place = (self._root / path).resolve()
        return place if place.is_relative_to(self._root) and place.is_file() else None


def collected_logs(view: JournalView, run_folder: Path) -> Logs:
    """The logs that a run collected, placed on its time."""
    started, collected = view.first(RunStarted), view.last(EvidenceCollected)
    files = [
        f
        for f in (collected.files if collected is not None else ())
        if f.source != _OURS and not f.source.startswith(_NO_HOSTS) and not _is_state(f)
    ]
    at = _utc(started.started_at) if started is not None else None
    ahead_s = {offset.source: offset.significant_s for offset in view.of(ClockOffset)}
    return Logs(run_folder, files, at, max((r.t for r in view.records), default=0.0), ahead_s)


def _is_state(file: EvidenceFile) -> bool:
    """What the engine says of a container: no log."""
    return file.source.startswith("container.") and file.what != "log"


def _utc(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _has_stamp(text: str) -> bool:
    try:
        return stamp(text) is not None
    except ValueError:
        return False
