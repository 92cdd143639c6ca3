"""The application's own connection pool is full of waiters while the database could do more.

Signature: requests give up waiting for a connection (pool-timeout lines, answers 503 after the acquire timeout), while
the platform's sessions on the server stand on a plateau, far below its limit, and nobody blocks anybody.
What looks alike: the server's own limit (its FATAL lines), a database that is gone (no sessions left, or our own
readings of it fail), lock waits and
slow queries (blocked or long active sessions): then the pool is the victim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.cpu import burning
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.lock_contention import blocking
from harness.analysis.log_signature import (
    ACQUIRE_TIMEOUT_MS,
    ACQUIRE_TIMEOUT_S,
    ANSWER_503,
    POOL_SIZE,
    POOL_TIMEOUT,
    POSTGRES_REFUSED,
    SERVER_LIMIT,
)
from harness.analysis.logs import Hits
from harness.analysis.outage import Outage, find_outage
from harness.analysis.sessions import Sessions, database_sessions
from harness.analysis.slow_queries import heavy_share
from harness.analysis.span import FaultSpan
from harness.analysis.unoptimised_queries import calls_too_often
from harness.journal.record import EvidencePiece, FindingNamed

CAUSE = "pool-exhaustion"
# each of them makes connections come back late or never; the one that explains most comes first
_HOLDING = ("pool-exhaustion", "hang", "timeout", "latency", "bandwidth", "slicer")
_HOLDING_FOR_GOOD = frozenset({"pool-exhaustion", "hang", "timeout"})
_ON_SERVER = ("lock-contention", "slow-queries")
_LONG_QUERY_S = 1.0
_SEVERAL = 2
_WORK_SHARE = 0.1  # of the requests' time


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs. `fault`: an injected fault that holds connections back."""

    timeouts: Hits
    refused: Hits
    server_limit: Hits
    answers_503: Hits
    sessions: Sessions | None
    fault: FaultSpan | None
    cpu: float | None
    outage: Outage | None
    burning: bool = False  # the application computes while it holds its connections
    held_up: bool = False  # the connections wait for locks, or are at work that is too much: the pool is the victim

    @property
    def held_for_good(self) -> bool:
        return self.fault is not None and self.fault.kind in _HOLDING_FOR_GOOD

    @property
    def acquire_timeout_s(self) -> float | None:
        """How long requests waited for a connection, in the words of the log."""
        for line in self.timeouts.lines:
            if match := re.search(ACQUIRE_TIMEOUT_S, line.text):
                return float(match["s"])
            if match := re.search(ACQUIRE_TIMEOUT_MS, line.text):
                return float(match["ms"]) / 1000
        return None

    @property
    def pool_size(self) -> int | None:
        """What the log says, else the plateau that the sessions stand on; None: not known. Some pools log how many
        connections they have left: the most counts, and a last one of several is no size."""
        if self.outage is not None:
            return None
        said = [int(m["size"]) for line in self.timeouts.lines if (m := re.search(POOL_SIZE, line.text))]
        most = max(said, default=0)
        if most >= _SEVERAL or (most and not self._had_several):
            return most
        stands = self.sessions is not None and self.sessions.plateau
        seen = round(self.sessions.connections.last) if stands and self.sessions is not None else 0
        return seen if seen >= _SEVERAL else None

    @property
    def _had_several(self) -> bool:
        """In the baseline, or perhaps: then its sessions were not read."""
        before = self.sessions.before if self.sessions is not None else None
        return before is None or before.mean >= _SEVERAL


def examine(case: Case) -> FindingNamed | None:
    """Names the pool when requests gave up waiting for it, or when all its sessions are held on an idle server."""
    if not case.suffers:
        return None
    signs = _signs(case)
    confidence = _confidence(signs, case)
    if confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [
            case.log_piece(signs.timeouts, "say that no connection came free"),
            _sessions_piece(case, signs.sessions),
            case.window_piece(case.failure_text()),
            case.log_piece(signs.answers_503, "of answers 503"),
        ],
        summary=_summary(signs),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _signs(case: Case) -> Signs:
    fault = case.fault_on(_HOLDING, [proxy for proxy in case.databases.values() if proxy])
    return Signs(
        timeouts=case.find(POOL_TIMEOUT),
        refused=case.find(POSTGRES_REFUSED),
        server_limit=case.find(SERVER_LIMIT),
        answers_503=case.find(ANSWER_503),
        sessions=_sessions(case, fault),
        fault=fault,
        cpu=case.host_cpu(),
        burning=burning(case),
        held_up=_kept_busy(case) or blocking(case) or heavy_share(case) >= _WORK_SHARE or calls_too_often(case),
        outage=_outage(case, fault),
    )


def _kept_busy(case: Case) -> bool:
    """A fault on the database itself keeps the sessions waiting."""
    return any(case.fault_in(_ON_SERVER, name) is not None for name in case.databases)


def _sessions(case: Case, fault: FaultSpan | None) -> Sessions | None:
    """Those on the database behind the fault's proxy, else on the one whose sessions are busiest."""
    names = [n for n, proxy in case.databases.items() if fault is None or proxy == fault.proxy]
    read = [s for name in names if (s := database_sessions(case, name)) is not None]
    return max(read, key=lambda s: s.busy / max(s.connections.mean, 1), default=None)


def _outage(case: Case, fault: FaultSpan | None) -> Outage | None:
    """That of the database whose connections are held; of any, where no fault holds those of one for good."""
    holds = fault is not None and fault.kind in _HOLDING_FOR_GOOD
    fitting = ((n, p) for n, p in case.databases.items() if not holds or (fault is not None and p == fault.proxy))
    outages = (find_outage(case, f"database.{name}", proxy) for name, proxy in fitting)
    return next((o for o in outages if o is not None), None)


def _confidence(signs: Signs, case: Case) -> float:
    sessions = signs.sessions
    if signs.timeouts:
        confidence = 0.65 if signs.timeouts.count >= 3 else 0.5
    elif sessions is not None and sessions.plateau and (sessions.all_busy or signs.held_for_good):
        confidence = 0.4
    else:
        return 0.0
    confidence += 0.1 if signs.held_for_good else 0.0
    confidence += 0.05 if case.failures("http") or signs.answers_503 else 0.0
    confidence += 0.02 if signs.cpu is not None and signs.cpu < 0.8 else 0.0
    if sessions is not None:
        confidence += 0.08 * sessions.plateau + 0.05 * sessions.has_headroom + 0.03 * (sessions.blocked == 0)
    return min(0.97, confidence) * _doubt(signs)


def _doubt(signs: Signs) -> float:
    """What speaks for another cause, each by how much."""
    doubt, sessions = 1.0, signs.sessions
    if signs.server_limit:
        doubt *= 0.3
    if signs.outage is not None:  # waiters pile up for a server that is away too
        doubt *= 0.5 if signs.outage.silent or not signs.refused else 0.3
    # sessions that are all still there were not refused: such lines are then of the healing
    if signs.refused.count >= 3 and not (sessions is not None and sessions.held):
        doubt *= 0.4
    doubt *= 0.7 if signs.burning and not signs.held_for_good else 1.0
    doubt *= 0.5 if signs.held_up and not signs.held_for_good else 1.0
    if sessions is not None:
        doubt *= 0.3 if sessions.gone else 1.0
        doubt *= 0.6 if sessions.blocked >= 1 else 1.0
        doubt *= 0.7 if sessions.all_busy and sessions.longest_query_s > _LONG_QUERY_S else 1.0
    return doubt


def _sessions_piece(case: Case, sessions: Sessions | None) -> EvidencePiece | None:
    if sessions is None:
        return None
    return case.reading_piece(sessions.source, sessions.value, _sessions_text(sessions))


def _sessions_text(sessions: Sessions) -> str:
    count = sessions.connections
    span = f"{count.lowest:.0f}" if count.lowest == count.highest else f"{count.lowest:.0f} to {count.highest:.0f}"
    limit = f" of {sessions.limit:.0f} possible" if sessions.limit is not None else ""
    before = f", {sessions.before.mean:.0f} in the baseline" if sessions.before is not None else ""
    return (
        f"{sessions.source}: {span} connections{limit}{before}; "
        f"{sessions.busy:.0f} busy, {sessions.blocked:.0f} blocked: the server itself is not full"
        if sessions.has_headroom
        else f"{sessions.source}: {span} connections{limit}{before}; "
        f"{sessions.busy:.0f} busy, {sessions.blocked:.0f} blocked"
    )


def _summary(signs: Signs) -> str:
    size = f" of {signs.pool_size}" if signs.pool_size is not None else ""
    timeout = signs.acquire_timeout_s
    wait = f"wait {timeout:g} s for a connection" if timeout is not None else "wait for a connection"
    end = ", then fail with 503" if signs.answers_503 else " and fail" if signs.timeouts else ""
    told = f" ({signs.timeouts.count} log lines say so)" if signs.timeouts else ""
    if signs.fault is not None:
        return (
            f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on {signs.fault.proxy}) explains this by '
            f"itself. What it exposed: with the application's pool{size} held, requests {wait}{end}{told}; "
            f"nothing else answers them."
        )
    where = ""
    if signs.sessions is not None and signs.sessions.has_headroom and signs.sessions.limit is not None:
        used, most = signs.sessions.connections.highest, signs.sessions.limit
        where = f" The server has room: {used:.0f} of {most:.0f} connections are used."
    return f"The application's connection pool{size} is exhausted: requests {wait}{end}{told}.{where}"


def _recommendation(signs: Signs) -> str:
    timeout = signs.acquire_timeout_s
    below = f"below the {timeout:g} s that requests wait for a connection" if timeout is not None else "on every query"
    cache = "answer listings, certificate data and profiles from the cache"
    sessions = signs.sessions
    used = (
        ""
        if sessions is None or sessions.limit is None
        else (f" ({sessions.connections.highest:.0f} of the server's {sessions.limit:.0f} connections are used)")
    )
    if signs.held_for_good:
        return (
            f"Put a timeout {below} (statement_timeout and a socket timeout), so that a hanging connection is given "
            f"up and replaced; {cache}, so that reads survive without a connection; refuse at once when many already "
            f"wait. A larger pool{used} would only have filled later."
        )
    return (
        f"Make the pool larger{used}, with more workers where they are the limit; put a timeout {below}; shorten what "
        f"holds connections (indexes, statistics, no calls to other services while one is held) and {cache}. "
        f"Then play the same again."
    )
