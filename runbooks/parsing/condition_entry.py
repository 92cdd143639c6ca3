"""A stop condition as a person writes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.analysis.service_level import RequestLevel, ServiceLevel
from harness.guard.condition import Condition
from harness.guard.error_rate import ErrorRate, ErrorRateOver
from harness.guard.percentile import Percentile
from harness.guard.reading import ReadingLimit
from harness.guard.stall import Stall
from harness.journal.record import FailureKind
from runbooks.parsing.amount import Count, Length, Rate, ReadingValue, Text
from runbooks.parsing.draft import TargetNames
from runbooks.parsing.reading_name import check_limits, check_reading
from runbooks.parsing.request_glob import check_glob
from runbooks.parsing.suggestion import suggest
from runbooks.parsing.validation import Checked, Entry
from runbooks.parsing.yaml_source import Place

DEFAULT_ERROR_RATE = 0.01
"""The stop condition of a runbook that says nothing about stopping."""

_OF = 'the name of a service level, "METHOD name" with globs, or all'


class ErrorRateEntry(Entry):
    """Too many failed requests: by a sequential test, or with `over` by a plain ratio."""

    condition: Literal["error_rate"]
    above: Rate
    of: Text = Field(default="all", description=_OF)
    kinds: list[FailureKind] | None = Field(
        default=None, min_length=1, description="failures that count; all if left out"
    )
    over: Length | None = Field(default=None, description="a plain ratio over this sliding window")
    min_requests: Count | None = Field(default=None, description="with over: fewer requests say nothing")
    sensitivity: Literal["normal", "high"] = Field(
        default="normal", description="high: finds 2% in seconds and halts falsely a few times an hour near the limit"
    )


class PercentileEntry(Entry):
    """Too slow over a sliding window."""

    condition: Literal["p50", "p95", "p99"]
    of: Text = Field(default="all", description=_OF)
    above: Length
    over: Length
    min_requests: Count | None = Field(default=None, description="fewer requests in the window say nothing")


class StallEntry(Entry):
    """Requests in flight, and none completing."""

    condition: Literal["stall"]
    over: Length


class ReadingEntry(Entry):
    """A reading beyond its limit for a while."""

    condition: Literal["reading"]
    of: Text = Field(description='"app-1.cpu", "database.main.active", "cache.main.hit_rate"')
    above: ReadingValue | None = None
    below: ReadingValue | None = None
    over: Length


MODELS: dict[str, type[Entry]] = {
    "error_rate": ErrorRateEntry,
    "p50": PercentileEntry,
    "p95": PercentileEntry,
    "p99": PercentileEntry,
    "stall": StallEntry,
    "reading": ReadingEntry,
}
_FRACTIONS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def read_conditions(
    entries: list[Any] | None, checked: Checked, names: TargetNames | None, levels: tuple[ServiceLevel, ...]
) -> tuple[Condition, ...]:
    """Every condition that could be read; an error rate above 1% where the runbook has none at all."""
    if entries is None:
        return (ErrorRate(above=DEFAULT_ERROR_RATE),)
    reader = _Reader(checked, names, levels)
    read = [reader.read(entry, ("stop_when", index)) for index, entry in enumerate(entries) if isinstance(entry, dict)]
    return tuple(condition for condition in read if condition is not None)


class _Reader:
    def __init__(self, checked: Checked, names: TargetNames | None, levels: tuple[ServiceLevel, ...]) -> None:
        self._checked = checked
        self._names = names
        self._levels = {level.name: level for level in levels}
        written = checked.source.at(("service_levels",))
        entries = [entry for entry in written if isinstance(entry, dict)] if isinstance(written, list) else []
        self._written = {str(entry.get("name")) for entry in entries}

    def read(self, entry: dict[str, Any], place: Place) -> Condition | None:
        name = entry.get("condition")
        model = MODELS.get(str(name))
        if name is None:
            self._checked.defect(place, "a stop condition without its kind", f"add condition: {', '.join(MODELS)}")
        elif model is None:
            mend = suggest(str(name), MODELS, what="the conditions are")
            self._checked.defect((*place, "condition"), f"unknown condition {name!r}", mend)
        if model is None:
            return None
        read = self._checked.model(model, entry, place)
        self._check_of(entry.get("of"), model, place)
        return self._condition(read, place) if read is not None else None

    def _condition(self, read: Entry, place: Place) -> Condition:
        if isinstance(read, ErrorRateEntry):
            return self._error_rate(read, place)
        if isinstance(read, PercentileEntry):
            return self._percentile(read)
        if isinstance(read, ReadingEntry):
            return self._reading(read, place)
        assert isinstance(read, StallEntry)
        return Stall(over_s=read.over)

    def _error_rate(self, read: ErrorRateEntry, place: Place) -> Condition:
        kinds = frozenset(read.kinds) if read.kinds is not None else None
        of = self._requests(read.of)
        if read.over is not None:
            least = {} if read.min_requests is None else {"min_requests": read.min_requests}
            if read.sensitivity != "normal":
                self._checked.defect((*place, "sensitivity"), "a plain ratio has no sensitivity", "take over out")
            return ErrorRateOver(above=read.above, over_s=read.over, of=of, kinds=kinds, **least)
        if not 0 < read.above < 1:
            self._checked.defect((*place, "above"), "above: must lie between 0% and 100%", "write 1%")
            return ErrorRate(above=DEFAULT_ERROR_RATE)
        if read.min_requests is not None:
            what = "min_requests goes with over: the sequential test weighs small numbers by itself"
            self._checked.defect((*place, "min_requests"), what, "add over: 3s, or take min_requests out")
        return ErrorRate(above=read.above, of=of, kinds=kinds, sensitivity=read.sensitivity)

    def _percentile(self, read: PercentileEntry) -> Condition:
        least = {} if read.min_requests is None else {"min_requests": read.min_requests}
        return Percentile(
            fraction=_FRACTIONS[read.condition],
            of=self._requests(read.of),
            above_ms=round(read.above * 1000, 6),
            over_s=read.over,
            **least,
        )

    def _reading(self, read: ReadingEntry, place: Place) -> Condition:
        limits = {"above": read.above, "below": read.below}
        check_limits(read.of, (*place, "of"), limits, self._checked)
        if (read.above is None) == (read.below is None):
            what = "a reading is limited either above or below"
            self._checked.defect(place, what, "write above: 97%, or below: 10%")
        return ReadingLimit(reading=read.of, above=read.above, below=read.below, over_s=read.over)

    def _requests(self, of: str) -> str:
        """The glob that `of` means: a service level's, or itself."""
        level = self._levels.get(of)
        return level.requests if isinstance(level, RequestLevel) else of

    def _check_of(self, of: object, model: type[Entry], entry: Place) -> None:
        if not isinstance(of, str) or "of" not in model.model_fields:
            return
        place = (*entry, "of")
        if model is ReadingEntry:
            check_reading(of, place, self._checked, self._names)
            return
        level = self._levels.get(of)
        if level is not None and not isinstance(level, RequestLevel):
            self._checked.defect(place, f"the service level {of!r} is not on requests", "name one that is, or all")
        elif of in self._written or of == "all":
            return
        elif " " not in of:
            groups = [name for name, known in self._levels.items() if isinstance(known, RequestLevel)]
            mend = suggest(of, [*groups, "all"], what="the service levels on requests are")
            self._checked.defect(place, f"unknown group of requests {of!r}", mend)
        else:
            check_glob(of, place, self._checked)
