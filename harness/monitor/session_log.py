"""The last half minute of PostgreSQL's sessions, as evidence: after healing the database looks idle."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.clock import Clock

KEEP_S = 30.0
SESSIONS_PER_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A client session at one moment. Ages in seconds; `query` is cut; `blocked_by` are the pids it waits for.

    A `hidden` session belongs to another role and we may not look into it: its state is unknown.
    """

    pid: int
    application_name: str
    role: str
    state: str
    state_age_s: float | None
    wait_event_type: str
    wait_event: str
    transaction_age_s: float | None
    query_age_s: float | None
    blocked_by: tuple[int, ...]
    query: str
    hidden: bool = False
    query_id: str = ""  # as pg_stat_statements has it; "" before PostgreSQL 14

    @property
    def active(self) -> bool:
        return self.state == "active"

    @property
    def idle_in_transaction(self) -> bool:
        return self.state.startswith("idle in transaction")

    @property
    def waiting(self) -> bool:
        """Active, and held up by something else than its client."""
        return self.active and self.wait_event_type not in ("", "Client")


class SessionLog:
    """Samples of the last 30 s; one thread adds, any thread reads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, tuple[Session, ...]]] = deque()

    def add(self, sessions: Sequence[Session]) -> None:
        now = self._clock.now_s()
        with self._lock:
            self._samples.append((now, tuple(sessions)))
            while now - self._samples[0][0] > KEEP_S:
                self._samples.popleft()

    def text(self) -> str:
        """JSON lines, oldest first: a line per session and sample, blocked and busy ones first; `more` counts the
        sessions of a sample beyond its first 200."""
        with self._lock:
            samples = list(self._samples)
        return "".join(
            json.dumps(line, ensure_ascii=False) + "\n" for t, sessions in samples for line in self._lines(t, sessions)
        )

    def _lines(self, t: float, sessions: Sequence[Session]) -> Iterator[dict[str, object]]:
        at: dict[str, object] = {
            "t": round(t, 3),
            "utc": self._clock.utc(t).isoformat(timespec="milliseconds"),
            "sessions": len(sessions),
        }
        if not sessions:
            yield at
        ranked = sorted(sessions, key=_rank)
        for session in ranked[:SESSIONS_PER_SAMPLE]:
            yield at | {
                "pid": session.pid,
                "application_name": session.application_name,
                "role": session.role,
                "state": session.state,
                "state_age_s": session.state_age_s,
                "wait_event_type": session.wait_event_type,
                "wait_event": session.wait_event,
                "transaction_age_s": session.transaction_age_s,
                "query_age_s": session.query_age_s,
                "blocked_by": list(session.blocked_by),
                "query": session.query,
            }
        if len(ranked) > SESSIONS_PER_SAMPLE:
            yield at | {"more": len(ranked) - SESSIONS_PER_SAMPLE}


def _rank(session: Session) -> tuple[bool, bool, bool, int]:
    return (not session.blocked_by, not session.active, not session.idle_in_transaction, session.pid)
