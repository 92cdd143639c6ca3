"""One operation costs far more CPU than all others, such as rendering a document.

Signature: one request name takes most of all requests' time and several times as long as the others, and the platform's
process is busy computing: far more CPU for each of them than an answer needs, while the database has little to do.
What looks alike: a slow statement or dependency behind that name (its time is waited, not computed: little CPU); a
platform whose every request is costly (cpu).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.demand import Demand, database_burden, dominates, heaviest
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.machines import Machine, hosts, processes
from harness.journal.record import FindingNamed

CAUSE = "resource-intensive-operation"
_COSTLY_S = 0.05  # of CPU; what merely answers needs a few milliseconds
_VERY_COSTLY_S = 0.2
_BUSY_CORES = 0.45


@dataclass(frozen=True, slots=True)
class Cost:
    """What one of the operations costs. `burner`: the busiest process, or the host where none is watched."""

    demand: Demand
    burner: Machine
    cpu_s: float


def examine(case: Case) -> FindingNamed | None:
    """Names the operation."""
    demand = heaviest(case)
    if not case.suffers or demand is None or not dominates(demand):
        return None
    cost = _cost(case, demand)
    if cost is None or cost.cpu_s < _COSTLY_S:
        return None
    watched = bool(cost.burner.host)
    confidence = 0.7 if watched else 0.45
    confidence += 0.1 * (cost.cpu_s >= _VERY_COSTLY_S) + 0.05 * (demand.share >= 0.7)
    confidence += 0.05 * (cost.burner.wanted_cores >= 0.8)
    confidence *= 1 - 0.5 * database_burden(case)
    if confidence < NAMED_FROM:
        return None
    others = f"{demand.others_ms:.0f} ms" if demand.others_ms is not None else "?"
    ratio = demand.mean_ms / demand.others_ms if demand.others_ms else 0.0
    return named(
        case,
        CAUSE,
        min(0.95, confidence),
        [
            case.window_piece(
                f"{demand.name}: {demand.requests} requests of {demand.mean_ms:.0f} ms, {demand.share:.0%} of all time "
                f"in requests; the others take {others}"
            ),
            cost.burner.piece("cpu", f"{cost.burner.source}: {cost.burner.cores:.2f} processors busy"),
        ],
        summary=f"{demand.name} is a resource-intensive operation: {demand.mean_ms:.0f} ms on average, {ratio:.0f} "
        f"times as long as the others, and about {cost.cpu_s:.2g} s of CPU each. It takes {demand.share:.0%} of all "
        f"the time in requests.",
        recommendation=f"Keep what {demand.name} makes: render it once, when its data is made, and answer it from the "
        f"cache, from files or from a CDN. What must be computed belongs into a queue with workers of its own (answer "
        f"202 and tell when it is ready), with a limit on how many run at once, so that it can't starve the other "
        f"requests; then make the rendering itself cheaper (profile its {cost.cpu_s:.2g} s).",
    )


def _cost(case: Case, demand: Demand) -> Cost | None:
    """The CPU that was used, less nothing: the others' share is small, since they end soon."""
    length_s = case.trouble.end - case.trouble.start
    watched = [p for p in processes(case) if not p.serves_data]
    burner = max(watched or hosts(case), key=lambda m: m.cores, default=None)
    if burner is None or burner.wanted_cores < _BUSY_CORES:
        return None
    if not watched and burner.mean("cpu") - burner.mean("steal") < 0.7:
        return None  # somebody else's work as well as the platform's
    # in a trouble that is short against the operation, more were at work than have ended
    under_way = demand.requests + max((w.in_flight for w in case.trouble.windows(case.windows)), default=0) / 2
    return Cost(demand, burner, burner.cores * length_s / under_way)
