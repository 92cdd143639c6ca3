"""The network of the platform is the bottleneck: its bandwidth, or packets that are lost.

Signature: a link that is nearly full; or what a process (or a host) sends stands at a ceiling, second by second, while
requests that move much data take long and the CPU is idle; or a notable share of the TCP segments is sent again. An
injected bandwidth limit or latency explains it by itself. What looks alike: a process that is busy all the time sends
evenly too (its CPU tells), and so does one whose answers are small (nothing there is worth a ceiling).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case, Sample
from harness.analysis.demand import Demand, dominates, heaviest
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.host_pressure import taken_by_us
from harness.analysis.logs import Hits
from harness.analysis.machines import Machine, hosts, in_words, processes
from harness.analysis.span import FaultSpan
from harness.journal.record import EvidencePiece, FindingNamed, LevelJudged, Proof

CAUSE = "network"
_FULL_LINK = 0.8
_FLAT = 0.2  # how far the usual second may lie from the middle one
_LEAST_SAMPLES = 4
_LARGE = 50_000  # bytes for each request, on average: a page is seldom more
_LOST = 0.03
_NARROWING = ("bandwidth", "slicer", "limit_data", "latency")
LARGE_ANSWERS = r'" 20\d \d{6,} '


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a source sends, in bytes a second, without going up or down; `each`: for one request."""

    machine: Machine
    reading: str
    sent: Sample
    each: float


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs. `link`: the host whose link is fullest; `losing`: whose segments are sent again."""

    link: Machine | None
    ceiling: Ceiling | None
    losing: Machine | None
    large: Hits
    demand: Demand | None
    fault: FaultSpan | None


def examine(case: Case) -> FindingNamed | None:
    """Names the network, and what moves so much over it."""
    if not case.suffers:
        return None
    if (ours := _delayed(case)) is not None:
        return ours
    signs = _signs(case)
    confidence = _confidence(signs)
    if confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [
            _link_piece(signs),
            _ceiling_piece(signs),
            _losing_piece(signs),
            case.log_piece(signs.large, "of answers of more than 100 kB") if signs.ceiling or signs.link else None,
            _proof_piece(case, signs.fault),
            case.window_piece(_slowest(case, signs)),
        ],
        summary=_summary(case, signs),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _delayed(case: Case) -> FindingNamed | None:
    return taken_by_us(
        case,
        ("host-network",),
        CAUSE,
        exposed="how often one request goes to and fro over that path",
        recommendation="Fewer round trips for a request (one statement for several, a pipeline, a batch), caching in "
        "front of that path, and timeouts below the service level for the rest.",
    )


def _signs(case: Case) -> Signs:
    link = max(hosts(case), key=lambda h: h.mean("network"), default=None)
    losing = max(hosts(case), key=lambda h: h.mean("retransmits"), default=None)
    return Signs(
        link=link if link is not None and link.mean("network") >= _FULL_LINK else None,
        ceiling=_ceiling(case),
        losing=losing if losing is not None and losing.mean("retransmits") >= _LOST else None,
        large=case.find(LARGE_ANSWERS),
        demand=heaviest(case),
        fault=_narrowed(case),
    )


def _narrowed(case: Case) -> FaultSpan | None:
    # what is slow on the wire does not fail by itself: where much fails, something else has given way
    if case.failures("http") + case.failures("connection") > 0.05 * case.during.requests:
        return None
    fitting = [f for f in case.faults if f.kind in _NARROWING and f.proxy]
    return min(fitting, key=lambda f: _NARROWING.index(f.kind), default=None)


def _ceiling(case: Case) -> Ceiling | None:
    """That of the process that sends most, else of a host's network; None where nothing stands at one."""
    length_s = max(0.1, case.trouble.end - case.trouble.start)
    rps = case.during.requests / length_s
    watched = [p for p in processes(case) if not p.serves_data]
    candidates = [(p, "output_bytes_per_s") for p in watched] + [(h, "sent_bytes_per_s") for h in hosts(case)]
    found = []
    for machine, reading in candidates:
        sent = machine.sample(reading)
        if sent is None or rps < 0.2 or not _is_flat(sent) or _computes(machine):
            continue
        each = (sent.median - machine.mean("write_bytes_per_s")) / rps
        if each >= _LARGE:
            found.append(Ceiling(machine, reading, sent, each))
    return max(found, key=lambda c: c.sent.median, default=None)


def _is_flat(sent: Sample) -> bool:
    """Three of four seconds lie close to the middle one: the load comes and goes, a ceiling does not."""
    if len(sent.values) < _LEAST_SAMPLES:
        return False
    near = sum(abs(v - sent.median) <= _FLAT * sent.median for v in sent.values)
    return near >= 0.75 * len(sent.values)


def _computes(machine: Machine) -> bool:
    return machine.mean("busiest_thread") >= 0.7 if machine.host else machine.mean("cpu") >= 0.85


def _confidence(signs: Signs) -> float:
    confidence = 0.0
    if signs.link is not None:
        confidence = 0.75
    elif signs.ceiling is not None:
        confidence = 0.7
    if confidence:
        confidence += 0.08 * bool(signs.large) + 0.05 * dominates(signs.demand) + 0.05 * (signs.losing is not None)
    if signs.fault is not None:
        confidence = max(confidence, 0.6 if signs.fault.kind == "bandwidth" else 0.4)
    elif signs.losing is not None:
        confidence = max(confidence, 0.4)
    return min(0.95, confidence)


def _link_piece(signs: Signs) -> EvidencePiece | None:
    if signs.link is None:
        return None
    return signs.link.piece("network", f"{signs.link.source}: its link is {signs.link.mean('network'):.0%} full")


def _ceiling_piece(signs: Signs) -> EvidencePiece | None:
    if signs.ceiling is None:
        return None
    machine, sent = signs.ceiling.machine, signs.ceiling.sent
    text = (
        f"{machine.source}: {in_words(sent.median)} a second, {len(sent.values)} seconds on end (at most "
        f"{in_words(sent.highest)}), while it used {machine.mean('cpu'):.0%} of the CPU"
    )
    return machine.piece(signs.ceiling.reading, text)


def _losing_piece(signs: Signs) -> EvidencePiece | None:
    if signs.losing is None:
        return None
    share = signs.losing.mean("retransmits")
    return signs.losing.piece("retransmits", f"{signs.losing.source}: {share:.1%} of the TCP segments are sent again")


def _proof_piece(case: Case, fault: FaultSpan | None) -> EvidencePiece | None:
    """What the fault did to the wire, as it was measured."""
    proofs = [p for p in case.view.of(Proof) if fault is not None and p.fault_id == fault.id and p.effective]
    return case.record_piece(proofs[0], f"measured {proofs[0].side}: {proofs[0].measured}") if proofs else None


def _slowest(case: Case, signs: Signs) -> str:
    demand = signs.demand
    if demand is None or not dominates(demand):
        return case.failure_text()
    return f"{demand.name}: {demand.mean_ms:.0f} ms on average, the others {demand.others_ms or 0:.0f} ms"


def _summary(case: Case, signs: Signs) -> str:
    if signs.fault is not None:
        missed = next((j.text for j in case.view.of(LevelJudged) if j.met is False), case.failure_text())
        return (
            f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on {signs.fault.proxy}) explains this by '
            f"itself. What it exposed: how much the platform moves over that connection, or how often it goes to and "
            f"fro for one request: {missed}."
        )
    if signs.ceiling is not None:
        ceiling = signs.ceiling
        what = f", most of it for {signs.demand.name}" if signs.demand is not None and dominates(signs.demand) else ""
        return (
            f"{ceiling.machine.source} sends {in_words(ceiling.sent.median)} a second and no more, while its CPU is "
            f"idle: the bandwidth is used up. That is {in_words(ceiling.each)} for each request{what}."
        )
    if signs.link is not None:
        return f"The link of {signs.link.source} is {signs.link.mean('network'):.0%} full."
    assert signs.losing is not None
    return (
        f"{signs.losing.source} loses packets: {signs.losing.mean('retransmits'):.1%} of the segments are sent again."
    )


def _recommendation(signs: Signs) -> str:
    what = signs.demand.name if signs.demand is not None and dominates(signs.demand) else "the largest answers"
    if signs.fault is not None and signs.ceiling is None and signs.link is None:
        return (
            "Fewer round trips for a request (one statement for several, a pipeline, a batch), fewer bytes (only "
            "the columns and rows that are shown, compression), caching (listings, certificate data, profiles) in "
            "front of that connection, and timeouts below the service level for the rest."
        )
    if signs.ceiling is None and signs.link is None:
        return (
            "Look for the link that loses: errors and drops of the interfaces (ip -s link), a full queue, a limit of "
            "the cloud's instance type. Until then keep-alive connections and fewer round trips hide most of it."
        )
    return (
        f"Send less: pages instead of whole lists for {what}, compression (gzip, brotli) in nginx or the application, "
        f"pictures and documents from a CDN, conditional requests (ETag, 304) and caching. Then a wider link or more "
        f"machines behind a load balancer."
    )
