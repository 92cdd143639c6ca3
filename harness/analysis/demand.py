"""How the requests of the trouble shared its time, by name, and how much the database had to do for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.machines import processes
from harness.analysis.stretch import in_stretch
from harness.journal.histogram import mean_ms, merge
from harness.journal.record import DatabaseWork

_ENOUGH = 5
_MANY_STATEMENTS = 15.0  # a request that asks so often is slow by its statements, one after the other


@dataclass(frozen=True, slots=True)
class Demand:
    """One request name: `share` of all the time that requests took; `others_ms`: the mean of all other requests."""

    name: str
    requests: int
    mean_ms: float
    share: float
    others_ms: float | None


def heaviest(case: Case) -> Demand | None:
    """The name that took most of the requests' time; None where too few requests ended."""
    histograms: dict[str, list[Mapping[int, int]]] = {}
    for window in case.trouble.windows(case.windows):
        for name, stats in window.names.items():
            histograms.setdefault(name, []).append(stats.histogram)
    took: dict[str, tuple[int, float]] = {}
    for name, parts in histograms.items():
        whole = merge(parts)
        mean, count = mean_ms(whole), sum(whole.values())
        if mean is not None:
            took[name] = (count, count * mean)
    total = sum(ms for _, ms in took.values())
    if not total:
        return None
    name, (count, ms) = max(took.items(), key=lambda item: item[1][1])
    others, others_ms = sum(n for n, _ in took.values()) - count, total - ms
    if count < _ENOUGH:
        return None
    return Demand(name, count, ms / count, ms / total, others_ms / others if others >= _ENOUGH else None)


def dominates(demand: Demand | None) -> bool:
    """Whether one name is slow and the others are not."""
    if demand is None or demand.others_ms is None:
        return False
    return demand.share >= 0.5 and demand.mean_ms >= 3 * demand.others_ms and demand.mean_ms >= 150


def database_burden(case: Case) -> float:
    """How much of the blame the database's work may take, 0..1: by its busy sessions, by how many statements each
    request needs, and by its own process beside the platform's."""
    burdens = [0.0]
    for name in case.databases:
        busy = case.sample_during(f"database.{name}", "active")
        burdens.append(min(1.0, busy.mean / 2) if busy is not None else 0.0)
    requests = max(1, case.during.requests)
    work = in_stretch(case.view.of(DatabaseWork), case.trouble)
    calls = sum(statement.calls for record in work for statement in record.statements)
    burdens.append(min(1.0, calls / requests / _MANY_STATEMENTS) if work else 0.0)
    there = processes(case)
    data = sum(p.cores for p in there if p.serves_data)
    own = sum(p.cores for p in there if not p.serves_data)
    burdens.append(min(1.0, data / own) if own > 0.1 else 0.0)
    return max(burdens)
