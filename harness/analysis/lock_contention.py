"""Sessions of the database wait for locks that others hold; the one at the root is named.

Signature: looks at the sessions, several a second, in which somebody waits for another's lock, and a good part of the
requests' time. The server's counters don't show it: waits for a table's lock are in none of them, waits for a row's are
in the statement's time without any work. The one who blocks comes before the blocked: slow statements and a full pool
are then its victims.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.database_work import setting, work_in
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.lock_account import LockAccount, account_in, lock_account
from harness.analysis.logs import Hits
from harness.analysis.span import FaultSpan
from harness.analysis.stretch import sound_before, trouble_stretch
from harness.analysis.work_piece import row_piece
from harness.evidence.work import LOCKS
from harness.journal.record import EvidencePiece, FindingNamed
from harness.journal.work import Blocker

CAUSE = "lock-contention"
_LOG = r"still waiting for \w+Lock|deadlock detected|due to lock timeout|Lock wait timeout exceeded"
_SHARE, _PART = 0.15, 0.1
_LOOKS = 2
_HEAVY_STATEMENT = re.compile(
    r"^\s*(?:lock\b|alter\b|truncate\b|drop\b|vacuum\s+\(?.*full|cluster\b|reindex\b|create\s+(?:unique\s+)?index\b"
    r"|refresh\b)",
    re.IGNORECASE,
)
_HOLDING = ("lock-contention", "idle-in-transaction")  # the injected fault itself: its sessions are shown to nobody
# who holds a lock over several round trips holds it longer on a slow wire
_LENGTHENING = ("latency", "bandwidth", "slicer", "timeout", "hang", "pool-exhaustion")


_ABOUT_FAULT = (
    "In real life a report, a migration or a worker that waits for another service holds such a lock. Bound what waits "
    "for it: answer what needs no lock from a cache or a replica, and let a request fail before its users have gone."
)


@dataclass(frozen=True, slots=True)
class Signs:
    """`fault`: what makes transactions last; `injected`: the fault that is the root itself."""

    locks: LockAccount
    before: LockAccount | None
    deadlocks: int
    logged: Hits
    fault: FaultSpan | None
    injected: FaultSpan | None = None

    @property
    def root(self) -> Blocker | None:
        return self.locks.root


def blocking(case: Case) -> bool:
    """Locks hold a good part of the requests up in the trouble."""
    locks = lock_account(case)
    return locks is not None and _weighty(locks)


def examine(case: Case) -> FindingNamed | None:
    """Names the session at the root, what it does and what is waited for."""
    locks = lock_account(case)
    if not case.suffers or locks is None or not _weighty(locks):
        return None
    signs = _signs(case, locks)
    confidence = _confidence(signs)
    if confidence < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        confidence,
        [
            _piece(case, signs),
            case.log_piece(signs.logged, "of waits for locks", telling=("deadlock detected", "still waiting")),
            case.reading_piece(locks.source, "blocked", f"{locks.source}: {_blocked_text(locks)}"),
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(signs),
        fault=signs.injected or signs.fault,
        recommendation=_recommendation(case, signs),
    )


def _weighty(locks: LockAccount) -> bool:
    seen = round(locks.share * locks.looks)
    return seen >= _LOOKS and locks.share >= _SHARE and locks.part >= _PART


def _signs(case: Case, locks: LockAccount) -> Signs:
    sound = sound_before(case)
    before = account_in(case, locks.source, sound) if sound is not None else None
    database = locks.source.removeprefix("database.")
    proxy = case.databases.get(database, "")
    more = sound is not None and (before is None or before.mean < locks.mean / 2)
    work = work_in(case.view, locks.source, trouble_stretch(case))
    return Signs(
        locks=locks,
        before=before,
        deadlocks=work.deadlocks if work is not None else 0,
        logged=case.find(_LOG),
        fault=case.fault_on(_LENGTHENING, [proxy]) if proxy and more else None,
        injected=case.fault_in(_HOLDING, database) if more and _unseen(locks.root) else None,
    )


def _unseen(root: Blocker | None) -> bool:
    """Whether the root may be one of gameday's own sessions. A prepared transaction has no pid."""
    return root is None or (not root.state and root.pid != 0)


def _confidence(signs: Signs) -> float:
    locks, root = signs.locks, signs.root
    confidence = 0.55 + 0.12 * (locks.share >= 0.3) + 0.08 * (locks.mean >= 1) + 0.08 * (locks.part >= 0.3)
    if root is not None and root.state:
        confidence += 0.05
        telling = root.state.startswith("idle in transaction") or _HEAVY_STATEMENT.match(root.statement)
        confidence += 0.07 if telling or signs.locks.root_seconds > 1 else 0.0
    confidence += 0.04 * bool(signs.logged) + 0.02 * bool(signs.deadlocks) + 0.12 * (signs.injected is not None)
    alike = signs.before is not None and signs.before.mean > locks.mean / 2
    return min(0.97, confidence) * (0.4 if alike else 1.0)


def _piece(case: Case, signs: Signs) -> EvidencePiece | None:
    locks = signs.locks
    text = f"{locks.source}: {_blocked_text(locks)}; {_root_text(signs)}"
    return row_piece(case, locks.worst, (locks.source, LOCKS), lambda _: True, text)


def _blocked_text(locks: LockAccount) -> str:
    kinds = ", ".join(f"{kind} {number:.2g}" for kind, number in list(locks.kinds.items())[:3])
    return (
        f"in {locks.share * 100:.0f}% of {locks.looks} looks sessions waited for another's lock, {locks.mean:.1f} on "
        f"average and {locks.most} at most{f' (by kind: {kinds})' if kinds else ''}"
    )


def _root_text(signs: Signs) -> str:
    root, injected = signs.root, signs.injected
    if injected is not None:
        held = f" and holds {', '.join(root.holds[:2])}" if root is not None and root.holds else ""
        return f'the root is the injected fault "{injected.name}"{held}'
    if root is None:
        return "who holds it could not be seen"
    if not root.state:
        what = "a prepared transaction" if root.pid == 0 else "a session or server process that we may not look into"
        return f"the root is pid {root.pid}, {what}"
    who = " ".join(part for part in (root.application_name or "unnamed", f"({root.role})" if root.role else "") if part)
    since = f" for {root.state_age_s:.1f} s" if root.state_age_s is not None else ""
    holds = f", it holds {', '.join(root.holds[:2])}" if root.holds else ""
    doing = "its last statement" if root.state.startswith("idle") else "its statement"
    return f"the root is pid {root.pid}, {who}, {root.state}{since}{holds}; {doing}: {root.statement or 'not known'}"


def _summary(signs: Signs) -> str:
    locks = signs.locks
    on = f" on {', '.join(locks.relations[:2])}" if locks.relations else ""
    dead = f" {signs.deadlocks} deadlocks were ended by the server." if signs.deadlocks else ""
    text = (
        f"Sessions wait for locks{on}: {locks.mean:.1f} on average, {locks.most} at most, "
        f"{min(1.0, locks.part) * 100:.0f}% of the time that requests waited; {_root_text(signs)}.{dead}"
    )
    if signs.injected is not None:
        return (
            f'The injected fault "{signs.injected.name}" ({signs.injected.kind} on {locks.source}) explains this by '
            f"itself. What it exposed: {text}"
        )
    if signs.fault is None:
        return text
    return (
        f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on {signs.fault.proxy}) makes transactions last '
        f"longer, and their locks. What it exposed: {text}"
    )


def _recommendation(case: Case, signs: Signs) -> str:
    root, source = signs.root, signs.locks.source
    told = [_about_root(case, source, root, signs.locks.kinds) if signs.injected is None else _ABOUT_FAULT]
    if signs.deadlocks:
        told.append("Lock rows in the same order everywhere, and retry the transaction that a deadlock ended.")
    told.append(_bound(case, source))
    return " ".join([*told, "Then play the same again."])


def _about_root(case: Case, source: str, root: Blocker | None, kinds: Collection[str]) -> str:
    held = f" ({root.holds[0]})" if root is not None and root.holds else ""
    if root is not None and _HEAVY_STATEMENT.match(root.statement):
        return (
            f"Don't run `{root.statement[:80]}` beside the traffic: read reports from a replica or a snapshot "
            f"(repeatable read) without a lock, build indexes `concurrently`, and do changes of tables in quiet hours "
            f"in short steps{held}."
        )
    if root is not None and root.state.startswith("idle in transaction"):
        limit = setting(case.view, source, "idle_in_transaction_session_timeout")
        now = f" (now {limit})" if limit else ""
        return (
            f"Shorten the transaction of {root.application_name or 'that session'}: it holds its locks{held} while the "
            f"database waits for the application. Ask other services before it begins or after it has ended, lock last "
            f"and commit at once; set idle_in_transaction_session_timeout{now} to a few seconds."
        )
    if "advisory" in kinds:
        return "Hold the advisory lock for less work, or give each thing that it protects a key of its own."
    return (
        f"Make the statement that holds the lock{held} shorter, or spread what it changes: sum counters up from rows "
        f"of their own, `for update skip locked` where any row will do, smaller batches."
    )


def _bound(case: Case, source: str) -> str:
    limit = setting(case.view, source, "lock_timeout")
    now = " (now 0: for ever)" if limit == "0" else f" (now {limit})" if limit else ""
    return f"A lock_timeout{now} below the requests' own timeout gives the connections of those who wait back."
