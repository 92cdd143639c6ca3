"""The cache is there and does not help: what is looked up is not in it, and the platform does the work itself.

Signature: the share of hits has collapsed against a sound baseline, or is near nothing from the start, and the cache
says why: it throws keys out or refuses writes at its memory's limit, or holds none. A cache that is gone is
dependency-down's; one that begins empty throws nothing out and its misses grow fewer by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cache_work import CacheSum, cache_work_in
from harness.analysis.case import Case
from harness.analysis.database_work import work_in
from harness.analysis.finding import NAMED_FROM, named
from harness.analysis.logs import Hits
from harness.analysis.sessions import cache_sessions
from harness.analysis.span import FaultSpan
from harness.analysis.stretch import sound_before, trouble_stretch
from harness.analysis.work_piece import row_piece
from harness.evidence.work import CACHE
from harness.journal.record import EvidencePiece, FindingNamed

CAUSE = "cache"
_LOOKUPS = 20
_NEAR_NOTHING, _GOOD = 0.15, 0.3
_OUT_OF_MEMORY = r"OutOfMemoryError|OOM command not allowed|command not allowed when used memory"
_MORE = 1.3  # statements a request, beside those of the baseline
_CUTTING = ("down", "timeout", "hang", "reset_peer", "cache-pause", "cache-connections")
_HOLDING = ("pool-exhaustion", "slot-exhaustion", "hang", "timeout", "down", "latency", "bandwidth", "reset_peer")
_ON_CACHE = (
    "latency", "down", "timeout", "hang", "reset_peer", "bandwidth", "limit_data",
    "cache-pause", "cache-slow", "cache-connections",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signs:
    """`now` in the trouble, `before` in a sound baseline. `calls_more`: by which factor the database is asked more."""

    now: CacheSum
    before: CacheSum | None
    calls_more: float | None
    logged: Hits
    fault: FaultSpan | None
    gone: bool  # it was out of reach for a time: dependency-down's
    held_back: bool  # a fault keeps the platform from the database, where it would fill the cache from

    @property
    def rate(self) -> float:
        return self.now.hit_rate or 0.0

    @property
    def rate_before(self) -> float | None:
        return self.before.hit_rate if self.before is not None else None

    @property
    def collapsed(self) -> bool:
        before = self.rate_before
        return before is not None and before >= _GOOD and self.rate < before / 2

    @property
    def empty(self) -> bool:
        """It holds next to nothing, though it has been asked often."""
        return self.now.last.keys <= 1 and self.now.misses >= _LOOKUPS


def examine(case: Case) -> FindingNamed | None:
    """Names the cache whose hits are missing most."""
    if not case.suffers:
        return None
    weighed = [s for name, proxy in case.caches.items() if (s := _weigh(case, f"cache.{name}", proxy)) is not None]
    signs = max(weighed, key=_confidence, default=None)
    if signs is None or _confidence(signs) < NAMED_FROM:
        return None
    return named(
        case,
        CAUSE,
        _confidence(signs),
        [
            _piece(case, signs),
            case.log_piece(signs.logged, "that say the cache is out of memory"),
            _memory_piece(case, signs),
            case.window_piece(case.failure_text()),
        ],
        summary=_summary(signs),
        fault=signs.fault,
        recommendation=_recommendation(signs),
    )


def _weigh(case: Case, source: str, proxy: str) -> Signs | None:
    now = cache_work_in(case.view, source, trouble_stretch(case))
    if now is None or now.lookups < _LOOKUPS:
        return None
    sound = sound_before(case)
    return Signs(
        now=now,
        before=cache_work_in(case.view, source, sound) if sound is not None else None,
        calls_more=_calls_more(case),
        logged=case.find(_OUT_OF_MEMORY),
        fault=_fault(case, _ON_CACHE, source, proxy),
        gone=_gone(case, source, proxy),
        held_back=case.fault_on(_HOLDING, [p for p in case.databases.values() if p]) is not None,
    )


def _gone(case: Case, source: str, proxy: str) -> bool:
    sessions = cache_sessions(case, source.removeprefix("cache."))
    cut = _fault(case, _CUTTING, source, proxy)
    return cut is not None or (sessions is not None and (sessions.gone or sessions.lost))


def _fault(case: Case, kinds: Sequence[str], source: str, proxy: str) -> FaultSpan | None:
    """One of the kinds on the cache, or on the way to it."""
    return case.fault_at(kinds, source.removeprefix("cache.")) or (case.fault_on(kinds, [proxy]) if proxy else None)


def _calls_more(case: Case) -> float | None:
    """Statements a request in the trouble, beside those in a sound baseline."""
    sound = sound_before(case)
    for name in case.databases:
        now = work_in(case.view, f"database.{name}", trouble_stretch(case))
        before = work_in(case.view, f"database.{name}", sound) if sound is not None else None
        if now is not None and before is not None and now.requests and before.requests and before.statements:
            often = sum(s.calls for s in now.statements) / now.requests
            return often / max(sum(s.calls for s in before.statements) / before.requests, 1e-6)
    return None


def _confidence(signs: Signs) -> float:
    if not signs.collapsed and signs.rate >= _NEAR_NOTHING:
        return 0.0
    told = signs.now.full or bool(signs.logged)
    confidence = 0.4 if signs.collapsed else 0.3
    confidence += 0.4 * told + 0.15 * signs.empty + 0.05 * bool(signs.logged)
    confidence += 0.1 * (signs.calls_more is not None and signs.calls_more > _MORE)
    return min(0.97, confidence) * _doubt(signs, told=told)


def _doubt(signs: Signs, *, told: bool) -> float:
    """What speaks for another cause, each by how much."""
    doubt = 1.0
    if signs.rate_before is not None and signs.rate >= signs.rate_before:
        doubt *= 0.3
    if signs.gone:
        doubt *= 0.4
    if not told:  # nobody could fill it again, or nobody had to
        doubt *= 0.5 if signs.held_back else 1.0
        doubt *= 0.6 if signs.calls_more is not None and signs.calls_more <= _MORE else 1.0
    return doubt


def _piece(case: Case, signs: Signs) -> EvidencePiece | None:
    now = signs.now
    before = f", {signs.rate_before * 100:.0f}% in the baseline" if signs.rate_before is not None else ""
    record = max(now.records, key=lambda r: (r.refused_writes + r.evicted, r.misses))
    text = (
        f"{now.source}: {now.hits} of {now.lookups} look-ups were hits ({signs.rate * 100:.0f}%{before}), "
        f"{now.evicted} keys thrown out, {now.refused_writes} writes refused, {now.last.keys} keys left"
    )
    return row_piece(case, record, (now.source, CACHE), lambda _: True, text)


def _memory_piece(case: Case, signs: Signs) -> EvidencePiece | None:
    last = signs.now.last
    if not last.max_memory_bytes:
        return None
    text = f"{signs.now.source}: {_memory(signs)}, policy {last.policy or 'unknown'}"
    return case.reading_piece(signs.now.source, "used_memory_bytes", text)


def _memory(signs: Signs) -> str:
    last = signs.now.last
    return f"{last.used_memory_bytes / 1e6:.1f} MB used of {last.max_memory_bytes / 1e6:.1f} MB allowed"


def _why(signs: Signs) -> str:
    if signs.now.refused_writes:
        return f"it refused {signs.now.refused_writes} writes for lack of memory ({_memory(signs)})"
    if signs.now.evicted:
        return f"it threw {signs.now.evicted} keys out for lack of memory ({_memory(signs)})"
    if signs.empty:
        return (
            f"it holds {signs.now.last.keys} keys: nothing is kept, or it is written under other keys than it is read"
        )
    return "why is not seen: nothing was thrown out or refused"


def _summary(signs: Signs) -> str:
    before = f", {signs.rate_before * 100:.0f}% in the baseline" if signs.rate_before is not None else ""
    more = (
        f" The database is asked {signs.calls_more:.1f} times as often a request."
        if signs.calls_more is not None and signs.calls_more > _MORE
        else ""
    )
    text = (
        f"{signs.now.source} does not help: {signs.rate * 100:.0f}% of {signs.now.lookups} look-ups were hits{before}; "
        f"{_why(signs)}.{more}"
    )
    if signs.fault is None:
        return text
    return (
        f'The injected fault "{signs.fault.name}" ({signs.fault.kind} on {signs.fault.where}) explains this. '
        f"What it exposed: {text}"
    )


def _recommendation(signs: Signs) -> str:
    last = signs.now.last
    again = "Then play the same again."
    if signs.now.full:
        policy = " with the policy allkeys-lru" if last.policy in ("", "noeviction") else f" (policy {last.policy})"
        return (
            f"Give it more memory: maxmemory is {last.max_memory_bytes / 1e6:.1f} MB{policy}; keep small values and a "
            f"time to live on each, and listings, certificate data and profiles before the rest. Let one request "
            f"rebuild a missing entry while the others wait for it or take the old one. {again}"
        )
    if signs.empty:
        return (
            f"See that what is read was written: the same key, the same database number, a time to live above 0 "
            f"({signs.now.misses} misses, {last.keys} keys). {again}"
        )
    return (
        f"Find out what is looked up and not there ({signs.now.misses} misses): longer times to live for listings, "
        f"certificate data and profiles, keys without parts that change at each request, warming after a start. {again}"
    )
