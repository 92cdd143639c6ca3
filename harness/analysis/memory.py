"""Memory is exhausted: a host swaps or has none left, or the kernel kills for it.

Signature: an OOM kill (told by a container's engine, the kernel's counter or a log), a program that could get no more
memory, or a host that has used 95 % of it or more while tasks wait for memory. What looks alike: memory that the
kernel uses as a cache (it counts as available), swap that was filled long ago and is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.host_pressure import taken_by_us
from harness.analysis.logs import Hits
from harness.analysis.machines import Machine, hosts, in_words, processes
from harness.journal.record import CrashSeen, EvidencePiece, FindingNamed

CAUSE = "memory"
_FULL = 0.95
_PRESSED = 0.1
_SWAPPING = 0.05  # more of the swap used than before
OUT_OF_MEMORY = (
    r"[Oo]ut of memory|oom-kill|\bMemoryError\b|Cannot allocate memory|java\.lang\.OutOfMemoryError"
    r"|JavaScript heap out of memory|could not resize shared memory segment|std::bad_alloc"
)


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs. `host`: the fullest."""

    killed: CrashSeen | None
    said: Hits
    host: Machine | None

    @property
    def full(self) -> bool:
        return self.host is not None and self.host.mean("memory") >= _FULL

    @property
    def pressed(self) -> bool:
        return self.host is not None and self.host.mean("memory_pressure") >= _PRESSED

    @property
    def swaps(self) -> bool:
        sample = self.host.sample("swap") if self.host is not None else None
        return sample is not None and sample.highest - sample.values[0] >= _SWAPPING

    @property
    def counted(self) -> bool:
        """The kernel killed something on the host, whatever it was."""
        sample = self.host.sample("oom_kills") if self.host is not None else None
        return sample is not None and sample.highest >= 1


def examine(case: Case) -> FindingNamed | None:
    """Names what ran out of memory."""
    if (ours := _taken(case)) is not None:
        return ours
    signs = _signs(case)
    confidence = _confidence(signs)
    if confidence < NAMED_FROM or not (case.suffers or signs.killed):
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [
            case.record_piece(signs.killed, signs.killed.text) if signs.killed is not None else None,
            case.log_piece(signs.said, "say that memory ran out"),
            _host_piece(signs),
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(signs),
        recommendation=_recommendation(case, signs),
    )


def _taken(case: Case) -> FindingNamed | None:
    return taken_by_us(
        case,
        ("host-memory", "container-memory"),
        CAUSE,
        exposed="how little memory the platform has to spare there",
        recommendation="A memory limit for each service on that host (MemoryMax), so that one can't take all; smaller "
        "caches and fewer workers, or more memory; and an alert on what is available.",
    )


def _signs(case: Case) -> Signs:
    killed = [c for c in case.view.of(CrashSeen) if c.what == "oom-killed" and c.t >= case.trouble.start - 5]
    fullest = max(hosts(case), key=lambda h: (h.mean("memory"), h.mean("memory_pressure")), default=None)
    return Signs(next(iter(killed), None), case.find(OUT_OF_MEMORY), fullest)


def _confidence(signs: Signs) -> float:
    strengths = (
        (0.9, signs.killed is not None),
        (0.8, bool(signs.said) and (signs.counted or signs.full)),
        (0.65, bool(signs.said)),
        (0.75, signs.full and (signs.swaps or signs.pressed)),
        (0.5, signs.full),
        (0.4, signs.swaps and signs.pressed),
    )
    return max((strength for strength, given in strengths if given), default=0.0)


def _host_piece(signs: Signs) -> EvidencePiece | None:
    host = signs.host
    if host is None or not (signs.full or signs.swaps or signs.pressed or signs.counted):
        return None
    text = (
        f"{host.source}: {host.mean('memory'):.0%} of the memory used, {host.mean('swap'):.0%} of the swap; some task "
        f"waited for memory {host.mean('memory_pressure'):.0%} of the time"
    )
    return host.piece("memory", text)


def _summary(signs: Signs) -> str:
    if signs.killed is not None:
        return f"Memory ran out: {signs.killed.text.rstrip('.')}."
    if signs.said:
        return f"Memory ran out: {signs.said.count} log lines say so."
    assert signs.host is not None
    swaps = " and it swaps" if signs.swaps else ""
    return f"{signs.host.source} has no memory left: {signs.host.mean('memory'):.0%} is used{swaps}."


def _recommendation(case: Case, signs: Signs) -> str:
    largest = max(processes(case), key=lambda p: p.mean("memory_bytes"), default=None)
    who = f" ({largest.source} has {in_words(largest.mean('memory_bytes'))})" if largest is not None else ""
    first = f"Find out what takes the memory of {signs.host.source}{who}. " if signs.host is not None else ""
    return (
        f"{first}Then: fewer or smaller workers, a bound for every cache, pages instead of whole result sets, and "
        f"work_mem times connections within the memory; a limit for each service, so that one can't take all; more "
        f"memory or more machines behind a load balancer where the load needs it."
    )
