"""The platform's own processes need more CPU than they get.

Signature: a watched process keeps a whole processor busy with one of its threads (an event loop, an interpreter with
one lock), or most of its host with all of them, while requests suffer. What looks alike: CPU that is stolen by the
machine below, or burnt by neighbours on the host (noisy-neighbour says that: the process itself uses little); one
costly operation among cheap ones (resource-intensive-operation names it); statements, many or slow, whose answers keep
the process busy (the database's own rules name them).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.demand import database_burden, dominates, heaviest
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.host_pressure import taken_by_us
from harness.analysis.machines import Machine, hosts, processes
from harness.journal.record import EvidencePiece, FindingNamed

CAUSE = "cpu"
_FULL_THREAD = 0.85
_BURNS = 0.5
_SOME = 0.08  # of a processor; what uses less may have waited for other reasons
_MOST_OF_HOST = 0.6
_FULL_HOST = 0.9
_STOLEN = 0.25
_STARVED = 0.4  # of the time in which its threads could have run


@dataclass(frozen=True, slots=True)
class Thirst:
    """How much CPU a process wanted. `thread`: of one processor, its busiest thread, had nobody else taken any."""

    process: Machine
    thread: float
    steal: float

    @property
    def full_thread(self) -> bool:
        return self.thread >= _FULL_THREAD

    @property
    def full_host(self) -> bool:
        return self.process.mean("cpu") >= _MOST_OF_HOST and self.process.on_host("cpu") >= _FULL_HOST


def examine(case: Case) -> FindingNamed | None:
    """Names the process that burns the CPU, or the host where none is watched."""
    if not case.suffers:
        return None
    if (ours := _taken(case)) is not None:
        return ours
    there = [p for p in processes(case) if not p.serves_data]
    thirsty = [thirst for p in there if (thirst := _thirst(p)).full_thread or thirst.full_host]
    if thirsty:
        return _platform(case, max(thirsty, key=lambda t: t.process.cores))
    watched = {p.host for p in processes(case)}
    unwatched = [h for h in hosts(case) if h.source not in watched]
    return next((finding for h in unwatched if (finding := _unwatched(case, h)) is not None), None)


def burning(case: Case) -> bool:
    """Whether one of the platform's own processes burns a processor: whatever it holds meanwhile, it holds for long."""
    return any(
        p.mean("busiest_thread") >= _BURNS and _thirst(p).full_thread for p in processes(case) if not p.serves_data
    )


def _taken(case: Case) -> FindingNamed | None:
    return taken_by_us(
        case,
        ("host-cpu", "container-cpu"),
        CAUSE,
        exposed="how little CPU the platform has to spare there",
        recommendation="Keep head-room: more processors or more machines behind a load balancer, limits for the other "
        "work on that host (CPUQuota of its units, nice), and alerts before it is full.",
    )


def _thirst(process: Machine) -> Thirst:
    """What is stolen is not seen by the process; what it waited for, it wanted."""
    steal = min(0.7, process.on_host("steal"))
    waited = min(0.9, process.mean("cpu_wait"))
    busiest = process.mean("busiest_thread")
    # a thread that waits as long as it runs, and does nothing else, wants the whole processor
    wanted = busiest / (1 - steal) / (1 - waited) if busiest >= _SOME else busiest
    return Thirst(process, min(1.0, wanted), steal)


def _platform(case: Case, thirst: Thirst) -> FindingNamed | None:
    process, demand = thirst.process, heaviest(case)
    confidence = 0.75 + 0.08 * (thirst.thread >= 0.95) + 0.05 * thirst.full_host + 0.05 * (case.failures("http") == 0)
    confidence *= 1 - 0.5 * database_burden(case)
    confidence *= 0.5 if dominates(demand) else 1.0
    confidence *= 0.6 if process.mean("io_waiting") >= 0.5 else 1.0
    if confidence < NAMED_FROM:
        return None
    rps = case.during.requests / max(0.1, case.trouble.end - case.trouble.start)
    each = f", {process.cores / rps * 1000:.0f} ms of CPU for each of {rps:.1f} requests a second" if rps >= 0.5 else ""
    what = "one of its threads never pauses" if thirst.full_thread else "the host has no more to give"
    return named(
        case,
        CAUSE,
        min(0.95, confidence),
        [process.piece("busiest_thread", _process_text(thirst)), _host_piece(case, process), _slow_piece(case)],
        summary=f"{process.source} uses all the CPU that it can: {process.cores:.2f} processors{each}; {what}."
        f"{_others(thirst)}",
        recommendation=_recommendation(thirst),
    )


def _others(thirst: Thirst) -> str:
    """A second reason, where there is one: it would have got more on a quiet machine."""
    waited = thirst.process.mean("cpu_wait")
    if waited < _STARVED and thirst.steal < _STOLEN:
        return ""
    stolen = f", and {thirst.steal:.0%} of the host's is stolen" if thirst.steal >= 0.05 else ""
    return f" Others take CPU from it too: it waited for a processor {waited:.0%} of the time{stolen}."


def _process_text(thirst: Thirst) -> str:
    process = thirst.process
    return (
        f"{process.source}: {process.cores:.2f} of {process.on_host('cpus'):.0f} processors, its busiest thread "
        f"{process.mean('busiest_thread'):.0%} of one; it waited for a processor {process.mean('cpu_wait'):.0%} of the "
        f"time in which it could have run"
    )


def _host_piece(case: Case, process: Machine) -> EvidencePiece | None:
    text = f"{process.host}: CPU {process.on_host('cpu'):.0%} busy, {process.on_host('steal'):.0%} stolen from it"
    return case.reading_piece(process.host, "cpu", text)


def _slow_piece(case: Case) -> EvidencePiece | None:
    return case.window_piece(case.failure_text())


def _recommendation(thirst: Thirst) -> str:
    process = thirst.process
    count = round(process.mean("processes"))
    cpus = round(process.on_host("cpus"))
    workers = (
        f"Run more workers: {count} of its processes on {cpus} processors leave the others idle. "
        if thirst.full_thread and process.cores < 0.75 * cpus and process.on_host("cpu") < _FULL_HOST
        else "Put more machines behind a load balancer, or larger ones. "
    )
    return (
        f"Profile {process.source} under this load (py-spy, perf, a profiler) and take the work out of the request: "
        f"what is computed for each (hashes, keys, JSON) once, and cached. {workers}"
        f"CPU-bound work does not belong on an event loop: give it to a pool of processes."
    )


def _unwatched(case: Case, host: Machine) -> FindingNamed | None:
    """Which process it is, nobody looked at."""
    busy, steal = host.mean("cpu"), host.mean("steal")
    if busy - steal < _FULL_HOST:
        return None
    confidence = 0.55 * (1 - 0.5 * database_burden(case)) * (0.6 if dominates(heaviest(case)) else 1.0)
    if confidence < NAMED_FROM:
        return None
    pressure = host.sample("cpu_pressure")
    waited = f", some task waited for it {pressure.mean:.0%} of the time" if pressure is not None else ""
    return named(
        case,
        CAUSE,
        confidence,
        [host.piece("cpu", f"{host.source}: CPU {busy:.0%} busy, {steal:.0%} stolen{waited}"), _slow_piece(case)],
        summary=f"{host.source} has no CPU left: {busy:.0%} busy. Which of its processes burns it was not watched.",
        recommendation=f"Watch the platform's processes (processes: under {host.source} in the target file) and play "
        f"it again: then it shows whether they burn it. If so: cache what each request computes, more workers, a load "
        f"balancer and more machines.",
    )
