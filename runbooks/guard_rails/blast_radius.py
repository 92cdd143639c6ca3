"""The rail "blast radius": the faults of a runbook hit no more at the same time than the target states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from faults.fault import FaultPlan
from harness.report import format as say
from runbooks.bounds import BlastRadius
from runbooks.guard_rails.rail import Moment, Objection, Passed
from runbooks.target import Target

_PLACES = ("proxies", "databases", "caches", "hosts")
_KIND_OF = {"proxies": "proxy", "databases": "database", "caches": "cache", "hosts": "host"}


class WithinBlastRadius:
    """Objects to a timeline on which more is hit than the target's `blast_radius` has, as far as the runbook says what
    is hit; what it doesn't say is an objection."""

    name = "blast radius"
    opt_out = "--beyond-blast-radius"

    def look(self, moment: Moment) -> Passed | Objection:
        limits = moment.target.blast_radius
        if limits is None:
            return Passed("the target states none")
        found = tuple(excesses(moment.runbook.faults, limits, moment.target))
        if not found:
            return Passed(f"within {_spoken(limits)}")
        return Objection("; ".join(dict.fromkeys(found)), "change the runbook's timeline or its faults")


def excesses(faults: Sequence[FaultPlan], limits: BlastRadius, target: Target) -> Iterator[str]:
    """Each limit that the faults exceed, at the moment when they exceed it most."""
    for fault in faults:
        if limits.longest_s is not None and fault.for_s > limits.longest_s:
            lasts = f"{fault.name} lasts {say.seconds(fault.for_s)}, and the longest is {say.seconds(limits.longest_s)}"
            yield lasts
    if limits.faults_at_once is not None:
        yield from _most(faults, "faults", limits.faults_at_once, len)
    for key in _PLACES:
        limit = getattr(limits, key)
        if limit is not None:
            yield from _most(faults, key, limit, partial(_places, on=_KIND_OF[key]))
    if limits.sessions is not None:
        yield from _sessions(faults, limits.sessions)
    yield from _containers(faults, limits, target)


def _most(
    faults: Sequence[FaultPlan],
    what: str,
    limit: float,
    count: Callable[[Sequence[FaultPlan]], float],
    spoken: Callable[[float], str] = "{:g}".format,
) -> Iterator[str]:
    worst = max(_at_once(faults), key=count, default=())
    if worst and count(worst) > limit:
        names = ", ".join(fault.name for fault in worst)
        yield f"{spoken(count(worst))} {what} at once ({names}), and {spoken(limit)} may be hit"


def _at_once(faults: Sequence[FaultPlan]) -> Iterator[tuple[FaultPlan, ...]]:
    """The faults that are on when one begins: more never are. One that ends then is off."""
    for first in faults:
        yield tuple(f for f in faults if f.at_s <= first.at_s < f.at_s + f.for_s)


def _places(faults: Sequence[FaultPlan], *, on: str) -> int:
    return len({fault.place for fault in faults if fault.on == on})


def _sessions(faults: Sequence[FaultPlan], limit: int) -> Iterator[str]:
    for fault in faults:
        if hasattr(fault.params, "leave") and _number(fault, "sessions") is None:
            yield f"{fault.name} takes every session but a few, and {limit} may be taken"
    yield from _most(faults, "sessions", limit, lambda at_once: sum(_number(f, "sessions") or 0 for f in at_once))


def _containers(faults: Sequence[FaultPlan], limits: BlastRadius, target: Target) -> Iterator[str]:
    hitting = [fault for fault in faults if fault.on == "container"]
    if limits.containers is not None:
        for fault in hitting:
            if _count_of(fault, target) is None:
                yield f"{fault.name} hits a share of its containers, and the blast radius is a number: write count:"
        yield from _most(faults, "containers", limits.containers, partial(_total, measure=_count_of, target=target))
    if limits.containers_share is not None:
        for fault in hitting:
            if _share_of(fault, target) is None:
                yield f"{fault.name} hits a number of containers, of nobody knows how many: write share:"
        share = partial(_total, measure=_share_of, target=target)
        yield from _most(faults, "of the containers", limits.containers_share, share, say.percent)


def _total(
    faults: Sequence[FaultPlan], *, measure: Callable[[FaultPlan, Target], float | None], target: Target
) -> float:
    return round(sum(measure(fault, target) or 0.0 for fault in faults if fault.on == "container"), 9)


def _count_of(fault: FaultPlan, _target: Target) -> float | None:
    """How many containers at most: one, where the fault says neither count nor share. None: of how many a share is
    taken stands in no file."""
    return None if _number(fault, "share") is not None else _number(fault, "count") or 1


def _share_of(fault: FaultPlan, target: Target) -> float | None:
    """Which share of all the containers at most. A share of those that it means is no more than one of all; the names
    that the target lists are no more than there are containers."""
    share = _number(fault, "share")
    if share is not None:
        return share
    total = len(target.containers.names) if target.containers is not None else 0
    return (_number(fault, "count") or 1) / total if total else None


def _number(fault: FaultPlan, name: str) -> float | None:
    value = getattr(fault.params, name, None)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _spoken(limits: BlastRadius) -> str:
    parts = [f"{value} {key.replace('_', ' ')}" for key in ("faults_at_once", *_PLACES, "containers", "sessions")
             if (value := getattr(limits, key)) is not None]  # fmt: skip
    if limits.containers_share is not None:
        parts.append(f"{say.percent(limits.containers_share)} of the containers")
    if limits.longest_s is not None:
        parts.append(f"{say.seconds(limits.longest_s)} a fault")
    return ", ".join(parts) or "any"
