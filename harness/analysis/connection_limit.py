"""The database server has no slot left: it is up, and refuses the platform new sessions.

Signature: `FATAL: sorry, too many clients already` or `remaining connection slots are reserved` in the logs, and as
many sessions as max_connections less the reserved ones allow. What looks alike: the application's own pool (then the
server has room), a server that is gone (then it refuses nothing in words). What fills the slots is told apart by the
sessions themselves: idle for long (a leak, or pools larger than the server), busy (a surge), or gameday's own (the
fault).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.log_signature import SERVER_LIMIT
from harness.analysis.logs import Hits
from harness.analysis.session_table import SessionTable, session_table
from harness.analysis.sessions import Sessions, database_sessions
from harness.analysis.span import FaultSpan
from harness.journal.record import EvidencePiece, FindingNamed

CAUSE = "connection-limit"
_FAULT = "slot-exhaustion"
_MANY = 3
_FULL = 0.9
_MOSTLY_IDLE = 0.6
_OWN_SLOTS = 3  # gameday's own sessions take slots too, and are not counted among the platform's


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the rule weighs for one database. `idle`: the share of the platform's sessions that do nothing."""

    name: str
    hits: Hits
    sessions: Sessions | None
    idle: float | None
    table: SessionTable | None
    fault: FaultSpan | None

    @property
    def full(self) -> bool:
        """The platform holds all that the server gives."""
        sessions = self.sessions
        if sessions is None or not sessions.limit:
            return False
        most = sessions.connections.highest
        return most >= _FULL * sessions.limit or most >= sessions.limit - _OWN_SLOTS

    @property
    def leak(self) -> bool:
        return self.idle is not None and self.idle >= _MOSTLY_IDLE


def examine(case: Case) -> FindingNamed | None:
    """Names the server whose slots are gone, when it says so itself or stands at its limit."""
    if not case.suffers:
        return None
    hits = case.find(SERVER_LIMIT)
    weighed = [_signs(case, name, hits) for name in case.databases]
    signs = max(weighed, key=_confidence, default=None)
    if signs is None or _confidence(signs) < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        _confidence(signs),
        [
            case.log_piece(hits, "say that the server has no slot left", telling=("FATAL",)),
            _sessions_piece(case, signs),
            signs.table.piece() if signs.table is not None else None,
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(signs),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _signs(case: Case, name: str, hits: Hits) -> Signs:
    source = f"database.{name}"
    sessions = database_sessions(case, name)
    idle = case.sample_during(source, "idle")
    share = idle.last / sessions.connections.last if idle and sessions and sessions.connections.last else None
    fault = next((f for f in case.faults if f.kind == _FAULT and f.database == name), None)
    return Signs(name, hits, sessions, share, session_table(case, source), fault)


def _confidence(signs: Signs) -> float:
    if signs.hits.count >= _MANY:
        confidence = 0.78
    elif signs.hits:
        confidence = 0.55
    else:
        confidence = 0.4 if signs.full else 0.0
    if not confidence:
        return 0.0
    confidence += 0.12 if signs.full and signs.hits else 0.0
    confidence += 0.18 if signs.fault is not None and signs.hits else 0.0
    return min(0.97, confidence)


def _sessions_piece(case: Case, signs: Signs) -> EvidencePiece | None:
    sessions = signs.sessions
    if sessions is None or sessions.limit is None:
        return None
    before = f", {sessions.before.mean:.0f} in the baseline" if sessions.before is not None else ""
    idle = f", {signs.idle:.0%} of them idle" if signs.idle is not None else ""
    text = (
        f"{sessions.source}: {sessions.connections.highest:.0f} connections of the platform, of {sessions.limit:.0f} "
        f"that the server gives{before}{idle}"
    )
    return case.reading_piece(sessions.source, sessions.value, text)


def _summary(signs: Signs) -> str:
    told = f"{signs.hits.count} log lines say so" if signs.hits else "its sessions stand at the limit"
    if signs.fault is not None:
        return (
            f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on database {signs.name}) explains this by '
            f"itself: the server's slots were taken, and the platform was refused new sessions ({told}). "
            f"What it exposed: nothing answers requests that get no connection."
        )
    sessions = signs.sessions
    limit = f" of {sessions.limit:.0f}" if sessions is not None and sessions.limit is not None else ""
    held = ""
    if sessions is not None and signs.leak:
        held = f" Most of the {sessions.connections.highest:.0f} sessions are idle: {_idle_told(signs)}."
    elif sessions is not None and signs.full:
        held = f" Its {sessions.connections.highest:.0f} sessions are busy: more arrive than the server can hold."
    return f"The database server {signs.name} has no slot{limit} left: new sessions are refused ({told}).{held}"


def _idle_told(signs: Signs) -> str:
    if signs.table is not None and signs.table.old:
        return f"{signs.table.old} of them for up to {signs.table.oldest_s:.0f} s: a leak, or pools that are too large"
    return "they are leaked, or the pools are larger than the server"


def _recommendation(signs: Signs) -> str:
    sessions = signs.sessions
    limit = f" ({sessions.limit:.0f} here)" if sessions is not None and sessions.limit is not None else ""
    pools = (
        f"Keep the sum of all pools (processes x pool size, with their overflow) below max_connections less the "
        f"reserved slots{limit}, with a pooler such as PgBouncer in front where that is not enough"
    )
    if signs.fault is not None:
        return (
            f"{pools}; give each application a role with a connection limit of its own, so that none can take the "
            f"others' slots; let the pool retry with a short, bounded pause, and answer from the cache meanwhile."
        )
    if signs.leak:
        who = f" Begin with {signs.table.who}." if signs.table is not None and signs.table.who else ""
        return (
            f"Find what does not give its connections back (a connection taken without a context manager or a finally)."
            f"{who} Set idle_session_timeout or the pool's max idle time as a net. {pools}."
        )
    return f"{pools}; a larger max_connections costs memory and only helps when the host has CPU left."
