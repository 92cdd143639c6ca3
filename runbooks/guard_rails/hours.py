"""The rail "hours": game days are played when the target says so, and end before that time does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from harness.report import format as say
from runbooks.bounds import MIDNIGHT_MIN, Hours
from runbooks.guard_rails.rail import Moment, Objection, Passed

_AHEAD = timedelta(days=8)
_DAY = timedelta(days=1)
Span = tuple[datetime, datetime]


class WithinHours:
    """Objects to a run that begins outside the hours or would outlast them. The clocks of the hours' zone count, with
    their summer time; of an hour that comes twice or is skipped only the safe part is in."""

    name = "hours"
    opt_out = "--outside-hours"

    def look(self, moment: Moment) -> Passed | Objection:
        hours = moment.target.hours
        if not hours:
            return Passed("the target states none")
        now = moment.now.astimezone(UTC)
        spoken = "; ".join(map(str, hours))
        end = until(hours, now)
        if end is None:
            return Objection(f"it is {_clock(now, hours[0])}, outside {spoken}", _mend(hours, now))
        if now + timedelta(seconds=moment.rest_s) > end:
            what = "the fault" if moment.fault is not None else "the run"
            lasts = f"{what} takes {say.seconds(moment.rest_s)}, and {spoken} ends at {_clock(end, hours[0])}"
            return Objection(lasts, _mend(hours, end))
        return Passed(f"{spoken}; until {_clock(end, hours[0])}")


def until(hours: Sequence[Hours], now: datetime) -> datetime | None:
    """When the hours that hold `now` end (UTC), with those that follow without a gap; None: it is outside them."""
    end: datetime | None = None
    for begin, last in _spans(hours, now):
        if begin <= now < last or (end is not None and begin <= end):
            end = last if end is None else max(end, last)
    return end


def _mend(hours: Sequence[Hours], after: datetime) -> str:
    begins = [begin for begin, _ in _spans(hours, after) if begin > after]
    return f"wait until {_clock(min(begins), hours[0])}" if begins else "correct hours: in the target file"


def _spans(hours: Sequence[Hours], around: datetime) -> Iterator[Span]:
    """The spans of time, in UTC and in their order, from the day before to a week after."""
    spans: list[Span] = []
    for one in hours:
        zone = ZoneInfo(one.zone)
        first = around.astimezone(zone).date() - _DAY
        days = (first + timedelta(days=n) for n in range(_AHEAD.days + 2))
        spans += [span for day in days if day.weekday() in one.days and (span := _span(one, day, zone))]
    yield from sorted(spans)


def _span(one: Hours, day: date, zone: ZoneInfo) -> Span | None:
    overnight = one.end_min <= one.begin_min
    # of a time that the clocks show twice, or skip, the side that makes the span shorter
    begin = max(_readings(day, one.begin_min, zone))
    end = min(_readings(day + _DAY if overnight else day, one.end_min, zone))
    return (begin, end) if begin < end else None


def _readings(day: date, minutes: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What a time of day may mean in UTC: the same twice, but for where the clocks are changed."""
    if minutes == MIDNIGHT_MIN:
        day, minutes = day + _DAY, 0
    local = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _clock(at: datetime, hours: Hours) -> str:
    return f"{at.astimezone(ZoneInfo(hours.zone)):%a %Y-%m-%d %H:%M} {hours.zone}"
