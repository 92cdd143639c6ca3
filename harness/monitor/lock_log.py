"""Many looks at the sessions, summed up: who waits for locks, what for, and who is at the root of it.

Cumulative counters don't show waits for the lock of a table at all (a client of the extended protocol waits while it
parses), so only looking often does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from harness.journal.record import LockWaits
from harness.journal.work import Blocker
from harness.monitor.session_log import Session
from harness.monitor.statement_text import plain_statement

_ROOTS, _STATEMENTS, _NAMES = 3, 5, 5
_TABLE_KINDS = frozenset({"r", "p", "m", "f", ""})
# from the strongest on
_MODES = (
    "AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock", "ShareUpdateExclusiveLock",
    "RowExclusiveLock", "RowShareLock", "AccessShareLock",
)  # fmt: skip
_ROW_MODES = frozenset({"RowExclusiveLock", "RowShareLock"})


@dataclass(frozen=True, slots=True)
class Lock:
    """A row of pg_locks: `what` is the relation, or the key of an advisory lock; "" for a transaction's own."""

    pid: int
    kind: str
    mode: str
    granted: bool
    what: str
    relation_kind: str = ""


@dataclass(slots=True)
class _Root:
    seen: Session | None = None
    samples: int = 0
    blocked: int = 0


@dataclass(slots=True)
class LockLog:
    """Looks since the last `take`."""

    _samples: int = 0
    _blocked_samples: int = 0
    _blocked: int = 0
    _most: int = 0
    _waits: Counter[str] = field(default_factory=Counter)
    _statements: Counter[str] = field(default_factory=Counter)
    _running: Counter[str] = field(default_factory=Counter)
    _roots: dict[int, _Root] = field(default_factory=dict)
    _locks: tuple[Lock, ...] = ()
    _waiters: set[int] = field(default_factory=set)

    def add(self, sessions: Sequence[Session]) -> bool:
        """One look. True when somebody waits for a lock and its detail is not known since the last `take`."""
        self._samples += 1
        self._waits.update(_wait(s) for s in sessions if s.active or s.idle_in_transaction)
        self._running.update(s.query_id for s in sessions if s.active and s.query_id and not s.blocked_by)
        blocked = [s for s in sessions if s.blocked_by]
        if not blocked:
            return False
        self._blocked_samples += 1
        self._blocked += len(blocked)
        self._most = max(self._most, len(blocked))
        self._statements.update(plain_statement(s.query) for s in blocked)
        self._waiters.update(s.pid for s in blocked)
        for pid, number in _roots(sessions).items():
            root = self._roots.setdefault(pid, _Root())
            root.seen = next((s for s in sessions if s.pid == pid), root.seen)
            root.samples += 1
            root.blocked = max(root.blocked, number)
        return not self._locks

    def detail(self, locks: Sequence[Lock]) -> None:
        """The locks of those who wait and of those they wait for, read right after a look."""
        self._locks = tuple(locks)

    @property
    def pids(self) -> list[int]:
        """Those whose locks tell what is waited for."""
        return [*self._waiters, *self._roots]

    def take(self, source: str, start_s: float, end_s: float) -> LockWaits | None:
        """The sum since the last time; None where nobody looked."""
        samples = self._samples
        if not samples:
            return None
        wanted = [lock for lock in self._locks if not lock.granted]
        record = LockWaits(
            source=source,
            start=start_s,
            end=end_s,
            samples=samples,
            blocked_samples=self._blocked_samples,
            blocked=round(self._blocked / samples, 2),
            most_blocked=self._most,
            waits={name: round(n / samples, 2) for name, n in self._waits.most_common(10)},
            roots=tuple(self._blocker(pid, root) for pid, root in self._first_roots()),
            relations=_first_names(self._objects(wanted)),
            wanted=_first_names(lock.mode for lock in wanted if lock.kind != "virtualxid"),
            statements=tuple(text for text, _ in self._statements.most_common(_STATEMENTS) if text),
            running={key: round(n / samples, 2) for key, n in self._running.most_common(_STATEMENTS)},
        )
        self._forget()
        return record

    def _forget(self) -> None:
        self._samples = self._blocked_samples = self._blocked = self._most = 0
        self._waits, self._statements, self._running = Counter(), Counter(), Counter()
        self._roots, self._locks, self._waiters = {}, (), set()

    def _first_roots(self) -> list[tuple[int, _Root]]:
        return sorted(self._roots.items(), key=lambda r: (-r[1].samples, -r[1].blocked))[:_ROOTS]

    def _blocker(self, pid: int, root: _Root) -> Blocker:
        seen = root.seen
        if seen is None:  # a prepared transaction (pid 0), a server process, or one that went meanwhile
            return Blocker(pid=pid, samples=root.samples, blocked=root.blocked, holds=self._holds(pid))
        return Blocker(
            pid=pid,
            application_name=seen.application_name,
            role=seen.role,
            state=seen.state,
            wait=_wait(seen),
            state_age_s=seen.state_age_s,
            transaction_age_s=seen.transaction_age_s,
            statement=plain_statement(seen.query),
            holds=self._holds(pid),
            samples=root.samples,
            blocked=root.blocked,
        )

    def _holds(self, pid: int) -> tuple[str, ...]:
        """What others may wait for: the strongest first."""
        held = [k for k in self._locks if k.pid == pid and k.granted and k.what and k.relation_kind in _TABLE_KINDS]
        held.sort(key=lambda k: _MODES.index(k.mode) if k.mode in _MODES else len(_MODES))
        return _first_names(f"{lock.mode} on {lock.what}" for lock in held if lock.mode != "AccessShareLock")

    def _objects(self, wanted: Collection[Lock]) -> Iterable[str]:
        """What is waited for. Who waits for a row waits for the transaction that has it: then the tables in which
        both sides write or lock rows."""
        named = [lock.what for lock in wanted if lock.what]
        if named or not wanted:
            return named
        waiters = {lock.pid for lock in wanted}
        rows = [k for k in self._locks if k.granted and k.mode in _ROW_MODES and k.relation_kind in _TABLE_KINDS]
        theirs = {k.what for k in rows if k.pid in self._roots}
        return [k.what for k in rows if k.pid in waiters and k.what in theirs]


def _roots(sessions: Sequence[Session]) -> Counter[int]:
    """How many sessions wait, at the end of the chain, for each session that waits for no lock itself. The members of
    a deadlock, which ends by itself, wait for nobody else."""
    blockers = {s.pid: s.blocked_by for s in sessions if s.blocked_by}
    found: Counter[int] = Counter()
    for pid, first in blockers.items():
        seen, ahead = {pid}, list(first)
        while ahead:
            other = ahead.pop()
            if other in seen:
                continue
            seen.add(other)
            if other in blockers:
                ahead.extend(blockers[other])
            else:
                found[other] += 1
    return found


def _wait(session: Session) -> str:
    if session.wait_event_type:
        return f"{session.wait_event_type}:{session.wait_event}"
    return "none"


def _first_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:_NAMES]
