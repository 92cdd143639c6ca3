"""A plain comparison of two runs, service level by service level. It claims little: one run after another.

Two runs in a row differ by themselves: the spread of a latency's ratio between two runs of the same was up to about
30 % on a busy machine, so what lies within that is no clear change, unless a limit was crossed. Shares of failed
requests also need 90 % intervals (Wilson's) that lie apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.journal.comparison import Change, ComparedLevel, Comparison
from harness.journal.reader import JournalView
from harness.journal.record import LevelJudged, RunStarted
from harness.journal.share import interval_90
from harness.report import generator_note, level_label, run

NOISE = 0.3
"""The share by which a latency changes between two runs of the same."""
_HEAD = re.compile(r" (?:<=|>=|<|>|=) |: ")
_Key = tuple[str, str, int]


def compare(before: JournalView, after: JournalView) -> Comparison:
    """Every level that either run judged, in the later run's order, then those that only the earlier one had."""
    first, second = run.started(before), run.started(after)
    old, new = _levels(before, first), _levels(after, second)
    rows = tuple(_row(key, old.get(key), new.get(key), (first, second)) for key in dict.fromkeys((*new, *old)))
    return Comparison(run=first.run, levels=rows, differences=(*differences(first, second), *_lags(before, after)))


def differences(before: RunStarted, after: RunStarted) -> tuple[str, ...]:
    """What of the inputs differs: then the runs are not of the same thing."""
    found = [
        f"{what}: {_said(getattr(before, key))} before, {_said(getattr(after, key))} after"
        for what, key in (
            ("target", "target"),
            ("environment", "environment"),
            ("users", "users"),
            ("users a second", "spawn_rate"),
            ("load processes", "processes"),
            ("tags", "tags"),
            ("excluded tags", "exclude_tags"),
            ("Locust file", "locustfile"),
            ("gameday", "version"),
        )
        if getattr(before, key) != getattr(after, key)
    ]
    if before.locustfile == after.locustfile and _hash(before) != _hash(after):
        found.append(f"the Locust file {after.locustfile} is not the same (its SHA-256 differs)")
    found += [
        f"{name}: {before.phases_s.get(name, 0):g} s before, {after.phases_s.get(name, 0):g} s after"
        for name in dict.fromkeys((*before.phases_s, *after.phases_s))
        if before.phases_s.get(name, 0) != after.phases_s.get(name, 0)
    ]
    if [f.model_dump() for f in before.faults] != [f.model_dump() for f in after.faults]:
        found.append(f"faults: {_faults(before)} before, {_faults(after)} after")
    limits = [{level.text for level in started.service_levels} for started in (before, after)]
    if limits[0] != limits[1]:
        only = [", ".join(sorted(mine - theirs)) or "nothing" for mine, theirs in (limits, limits[::-1])]
        found.append(f"service levels: only before {only[0]}; only after {only[1]}")
    return tuple(found)


def _levels(view: JournalView, started: RunStarted) -> dict[_Key, LevelJudged]:
    """By what is looked at (the limit may differ), the phase, and a number where a name looks at one thing twice."""
    found: dict[_Key, LevelJudged] = {}
    for level in view.of(LevelJudged):
        plan = level_label.planned(started, level)
        head = _HEAD.split(plan.text)[0] if plan is not None and plan.text else f"{level.name} in {level.unit}"
        number = 0
        while (head, level.phase, number) in found:
            number += 1
        found[head, level.phase, number] = level
    return found


def _row(
    key: _Key, old: LevelJudged | None, new: LevelJudged | None, runs: tuple[RunStarted, RunStarted]
) -> ComparedLevel:
    shown, started = (new, runs[1]) if new is not None else (old, runs[0])
    assert shown is not None
    values = (old.value if old else None, new.value if new else None)
    return ComparedLevel(
        name=shown.name,
        phase=key[1],
        before=values[0],
        after=values[1],
        unit=shown.unit,
        limit=shown.limit,
        met_before=old.met if old else None,
        met_after=new.met if new else None,
        change=_change(old, new),
        text=level_label.label(started, shown),
        ratio=round(values[1] / values[0], 4) if values[0] and values[1] is not None else None,
    )


def _change(old: LevelJudged | None, new: LevelJudged | None) -> Change:
    if old is None or new is None or old.met is None or new.met is None:
        return "unknown"
    if old.met != new.met:
        return "now met" if new.met else "no longer met"
    if old.value is None or new.value is None or new.unit not in ("ms", "fraction"):
        return "no clear change"
    if abs(new.value - old.value) <= NOISE * old.value or (new.unit == "fraction" and not _apart(old, new)):
        return "no clear change"
    return "better" if new.value < old.value else "worse"


def _apart(old: LevelJudged, new: LevelJudged) -> bool:
    intervals = [interval_90(round((x.value or 0.0) * x.requests), x.requests) for x in (old, new)]
    return intervals[0].high < intervals[1].low or intervals[1].high < intervals[0].low


def _lags(before: JournalView, after: JournalView) -> tuple[str, ...]:
    notes: Mapping[str, str] = {"before": generator_note.note(before), "after": generator_note.note(after)}
    return tuple(f"{when}: {note}" for when, note in notes.items() if note)


def _hash(started: RunStarted) -> str:
    return started.inputs.get(started.locustfile, "")


def _faults(started: RunStarted) -> str:
    return ", ".join(fault.name for fault in started.faults) or "none"


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "not given" if value is None else f"{value:g}" if isinstance(value, float) else str(value) or "none"
