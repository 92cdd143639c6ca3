"""When a log line was written, in seconds since the start of the run, whatever time zone its host keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"(?P<date>\d{4}[-/]\d{2}[-/]\d{2})[T ](?P<time>\d{2}:\d{2}:\d{2})(?:[.,](?P<part>\d{1,9}))?"
    r"\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_NGINX = re.compile(r"\[(?P<stamp>\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]")
_QUARTER_S = 900.0  # time zones lie on quarters of an hour
_EARLY_S, _LATE_S = 30.0, 120.0


def stamp(line: str) -> tuple[datetime, bool] | None:
    """The time a line carries, and whether it names its zone (else it is given as if in UTC)."""
    if match := _ISO.search(line):
        at = datetime.fromisoformat(f"{match['date'].replace('/', '-')}T{match['time']}+00:00")
        at += timedelta(seconds=float(f"0.{match['part'] or 0}"))
        zone = match["zone"]
        if zone is None or zone in {"Z", "UTC", "GMT"}:
            return at, zone is not None
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        ahead = timedelta(hours=hours, minutes=minutes)
        return (at - ahead if zone[0] == "+" else at + ahead), True
    if match := _NGINX.search(line):
        return datetime.strptime(match["stamp"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC), True
    return None


class LogClock:
    """Places the lines of one file on the run's time. A zone that the lines don't name is the one that puts the
    first of them into the run; where none does, or the clock is far off, the time stays unknown."""

    def __init__(self, started_at: datetime, length_s: float, ahead_s: float = 0.0) -> None:
        """`ahead_s`: how far the clock of its host is ahead of the run's."""
        self._started_at = started_at + timedelta(seconds=ahead_s)
        self._length_s = length_s
        self._offset_s: float | None = None

    def since_start_s(self, line: str) -> float | None:
        try:
            found = stamp(line)
        except ValueError:  # looks like a time and is none, such as 2026-13-45
            return None
        if found is None:
            return None
        at, has_zone = found
        raw_s = (at - self._started_at).total_seconds()
        if has_zone:
            return raw_s if self._is_inside(raw_s) else None
        if self._offset_s is None:
            self._offset_s = self._zone_offset_s(raw_s)
        return None if self._offset_s is None else raw_s - self._offset_s

    def _zone_offset_s(self, raw_s: float) -> float | None:
        quarters = [k for k in range(-60, 61) if self._is_inside(raw_s - k * _QUARTER_S)]
        best = min(quarters, key=lambda k: (k != 0, k % 4 != 0, k % 2 != 0, abs(k)), default=None)
        return None if best is None else best * _QUARTER_S

    def _is_inside(self, at_s: float) -> bool:
        return -_EARLY_S <= at_s <= self._length_s + _LATE_S
