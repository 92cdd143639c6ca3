"""A dependency of the platform is gone: a database, a cache or a service refuses, resets or answers nothing.

Signature: the application's logs say that connections were refused or cut, and the platform's sessions on that
dependency are gone from its server. A database that is gone fills the application's pool with waiters too: sessions
that are gone tell it from a pool that is exhausted, where they are all held. A server that our own readings no longer
reach is strong evidence too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis.case import Case
from harness.analysis.dependency import Dependency, dependencies
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.host_pressure import taken_by_us
from harness.analysis.log_signature import SERVER_LIMIT
from harness.analysis.logs import Hits
from harness.analysis.outage import Outage
from harness.analysis.span import FaultSpan
from harness.journal.record import EvidencePiece, FindingNamed

CAUSE = "dependency-down"
_CUTTING = ("down", "flap", "reset-peer", "limit-data", "timeout", "hang")
_SILENCING = ("timeout", "hang", "latency", "bandwidth", "slicer")
_ON_CACHE = ("cache-pause", "cache-connections", "cache-slow")
_OWN_CONNECTIONS = "cache-connections"
_ON_CONTAINERS = ("container-pause", "container-stop", "container-kill", "container-network", "container-restart")
_MANY = 3
_TELLING = ("refused", "closed the connection", "the database system is", "postmaster exit")


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs for one dependency. `unread`: how often we could not read it either."""

    dependency: Dependency
    refused: Hits
    silent: Hits
    unread: int
    fault: FaultSpan | None
    confidence: float = 0.0

    @property
    def outage(self) -> Outage | None:
        return self.dependency.outage

    @property
    def gone(self) -> bool:
        return self.dependency.sessions is not None and self.dependency.sessions.gone


def examine(case: Case) -> FindingNamed | None:
    """Names the dependency for which most speaks."""
    if not case.suffers:
        return None
    if (ours := _stopped(case)) is not None:
        return ours
    weighed = [_weigh(case, dependency) for dependency in dependencies(case)]
    signs = max(weighed, key=lambda s: s.confidence, default=None)
    if signs is None or signs.confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        signs.confidence,
        [
            case.log_piece(signs.refused, "say that the connection was refused or cut", telling=_TELLING),
            case.log_piece(signs.silent, "say that no answer came"),
            signs.outage.piece(case) if signs.outage is not None else None,
            _sessions_piece(case, signs),
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(signs, case),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _stopped(case: Case) -> FindingNamed | None:
    return taken_by_us(
        case,
        ("process-pause", "service-stop", *_ON_CONTAINERS),
        CAUSE,
        exposed="nothing took over, and nobody stopped waiting for it",
        recommendation="A second instance behind a health check that notices silence too, a watchdog that restarts "
        "what stands still (WatchdogSec), timeouts below the service level in whoever calls it, and an answer without "
        "it where one is possible.",
    )


def _weigh(case: Case, dependency: Dependency) -> Signs:
    refused = case.find(dependency.refused)
    ours = case.fault_at(_ON_CACHE, dependency.source.removeprefix("cache.")) if dependency.role == "cache" else None
    if ours is not None and ours.kind == _OWN_CONNECTIONS:
        dependency = replace(dependency, sessions=None)  # most that its server counts are the fault's
    sessions = dependency.sessions
    cut = refused or dependency.outage is not None or (sessions is not None and sessions.gone)
    signs = Signs(
        dependency=dependency,
        refused=refused,
        silent=case.find(dependency.silent) if dependency.silent else Hits(),
        unread=case.gaps(dependency.source) if dependency.source else 0,
        fault=ours or _on_wire(case, dependency.proxy, cut=bool(cut)),
    )
    return replace(signs, confidence=_confidence(signs, case))


def _on_wire(case: Case, proxy: str, *, cut: bool) -> FaultSpan | None:
    return case.fault_on(_CUTTING if cut else _SILENCING, [proxy]) if proxy else None


def _confidence(signs: Signs, case: Case) -> float:
    confidence = _base(signs)
    if not confidence:
        return 0.0
    confidence += 0.15 if signs.gone else 0.0
    confidence += 0.05 if signs.unread else 0.0
    confidence += 0.05 if case.failures("http") or case.failures("connection") else 0.0
    if signs.fault is not None:
        confidence += 0.1 if signs.fault.kind == "down" else 0.05
    sessions = signs.dependency.sessions
    held = sessions is not None and sessions.held
    # a server that refuses with its own words is there
    full = signs.dependency.role == "database" and case.find(SERVER_LIMIT).count >= _MANY
    return min(0.97, confidence) * (0.4 if held or full else 1.0)


def _base(signs: Signs) -> float:
    """What the strongest sign gives."""
    many, outage = signs.refused.count >= 3, signs.outage
    strengths = (
        (0.85, outage is not None and not outage.silent and many),
        (0.75, outage is not None and many),
        (0.7, many),
        (0.6, outage is not None and not outage.silent),
        (0.5, bool(signs.refused) or signs.gone or outage is not None),
        (0.45, signs.silent.count >= 3),
    )
    return max((strength for strength, given in strengths if given), default=0.0)


def _sessions_piece(case: Case, signs: Signs) -> EvidencePiece | None:
    sessions = signs.dependency.sessions
    if sessions is None or not sessions.gone or sessions.before is None:
        return None
    text = (
        f"{sessions.source}: {sessions.connections.last:.0f} connections of the platform are left, "
        f"{sessions.before.mean:.0f} in the baseline"
    )
    return case.reading_piece(sessions.source, sessions.value, text)


def _summary(signs: Signs, case: Case) -> str:
    told = f"{signs.refused.count} log lines say that connections were refused or cut" if signs.refused else ""
    if not told and signs.silent:
        told = f"{signs.silent.count} log lines say that no answer came"
    left = "the platform's sessions are gone from its server" if signs.gone else ""
    unread = ""
    if signs.outage is not None:
        how = "get no answer" if signs.outage.silent else "fail"
        unread = f"our own readings of it {how} since {signs.outage.gap.t:.1f} s"
    seen = ", and ".join(text for text in (told, left, unread) if text)
    name = signs.dependency.label
    if signs.fault is not None:
        return (
            f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on {signs.fault.where}) explains this by '
            f"itself: {name} was out of reach; {seen}. What it exposed: {_exposed(case)}."
        )
    silent = bool(signs.silent) if signs.outage is None else signs.outage.silent
    state = "gives no answer" if silent and not signs.refused and not signs.gone else "is down or out of reach"
    return f"{name[0].upper()}{name[1:]} {state}: {seen}."


def _exposed(case: Case) -> str:
    if case.during.failed:
        return f"{case.during.failed} of {case.during.requests} requests failed, nothing stood in for it"
    before, during = case.before.p95_ms, case.during.p95_ms
    told = f" (p95 {during:.0f} ms, {before:.0f} ms in the baseline)" if before and during else ""
    return f"no request failed, but they took longer{told}"


def _recommendation(signs: Signs) -> str:
    first = ""
    if signs.outage is not None and signs.fault is None:
        first = "Bring its server back and find out in its own log, and in that of its host, why it went away. Then: "
    return first + _RECOMMENDATIONS[signs.dependency.role]


_RECOMMENDATIONS = {
    "database": (
        "Answer listings, certificate data and profiles from the cache while the database is away, refuse writes at "
        "once with a clear answer and a Retry-After, and let the pool reconnect with a short, bounded pause. A read "
        "replica or a standby takes over what must not stop."
    ),
    "cache": (
        "Go on without the cache: short timeouts (well below the service level), no retry within a request, a circuit "
        "breaker around it, and a database that is sized for the misses (indexes, read replicas, a larger pool)."
    ),
    "service": (
        "Put a timeout and a circuit breaker around the calls, answer at once that it is away, and finish the work "
        "later from a queue; requests that don't need the service must not wait behind those that do (more workers, "
        "a limit of its own for these calls)."
    ),
}
