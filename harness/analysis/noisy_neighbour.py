"""The machine has no CPU left for the platform, and it is not the platform that took it.

Signature: a notable share of the host's CPU is stolen by the machine below, or others on the host burn it all while
the platform's own processes use little and wait for a processor. It is no bottleneck of the platform: it says that
what was measured says little. So it never goes before a cause of the platform's own, and an injected fault is enough to
explain the trouble without it.
"""

from __future__ import annotations

from harness.analysis.case import Case
from harness.analysis.finding import named
from harness.analysis.machines import Machine, hosts, processes
from harness.journal.record import FindingNamed

CAUSE = "noisy-neighbour"
_CONFIDENCE = 0.38
_FULL_HOST = 0.9
_STOLEN = 0.25
_STARVED = 0.4  # of the time in which its threads could have run
_LITTLE = 0.3  # of the CPU that the host has used


def examine(case: Case) -> FindingNamed | None:
    """Names the machine."""
    if not case.suffers or case.faults:
        return None
    for host in hosts(case):
        on_it = [p for p in processes(case) if p.host == host.source]
        finding = _examine(case, host, on_it) if on_it else None
        if finding is not None:
            return finding
    return None


def _examine(case: Case, host: Machine, on_it: list[Machine]) -> FindingNamed | None:
    busy, steal = host.mean("cpu"), host.mean("steal")
    own = sum(p.mean("cpu") for p in on_it)
    starved = max(p.mean("cpu_wait") for p in on_it) >= _STARVED
    neighbours = busy >= _FULL_HOST and own <= _LITTLE * (busy - steal) and starved
    if not (steal >= _STOLEN or neighbours):
        return None
    who = f"{steal:.0%} of it is stolen by the machine below" if steal >= _STOLEN else "others on the host burn it"
    return named(
        case,
        CAUSE,
        _CONFIDENCE,
        [
            host.piece("cpu", f"{host.source}: CPU {busy:.0%} busy, {steal:.0%} stolen by the machine below"),
            on_it[0].piece("cpu", f"{on_it[0].source}: only {on_it[0].mean('cpu'):.1%} of the host's CPU"),
            case.window_piece(case.failure_text()),
        ],
        summary=f"The machine, not the platform: {host.source} has no CPU left, and the platform's own processes use "
        f"only {own:.0%} of it; {who}. What was measured says little about the platform.",
        recommendation="Play it again when the machine is quiet, or on one with processors of its own; keep other "
        "work, the load generator too, off the platform's hosts.",
    )
