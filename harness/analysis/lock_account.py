"""Who waited for locks in the trouble, how much of the requests' time that was, and who held them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.case import Case
from harness.analysis.span import Span
from harness.analysis.stretch import in_stretch, trouble_stretch
from harness.analysis.tally import tally
from harness.journal.histogram import middle_ms
from harness.journal.record import LockWaits
from harness.journal.request_glob import ALL
from harness.journal.work import Blocker


@dataclass(frozen=True, slots=True)
class LockAccount:
    """Of one database. `share`: of the looks, those with anybody blocked; `mean`: blocked sessions per look;
    `part`: of the requests' time, what sessions waited for locks, 0..1. `worst` is the journal's worst second."""

    source: str
    looks: int
    share: float
    mean: float
    most: int
    part: float
    waits: dict[str, float]
    root: Blocker | None
    root_seconds: int
    relations: tuple[str, ...]
    wanted: tuple[str, ...]
    statements: tuple[str, ...]
    worst: LockWaits

    @property
    def kinds(self) -> dict[str, float]:
        """Sessions per look by the kind of lock: {"relation": 2.4}."""
        return {name.removeprefix("Lock:"): n for name, n in self.waits.items() if name.startswith("Lock:") and n}


def lock_account(case: Case) -> LockAccount | None:
    """The database where sessions waited most; None where none was looked at, or nobody waited."""
    sources = dict.fromkeys(w.source for w in case.view.of(LockWaits))
    accounts = [a for source in sources if (a := account_in(case, source, trouble_stretch(case))) is not None]
    return max(accounts, key=lambda a: a.mean, default=None)


def account_in(case: Case, source: str, span: Span) -> LockAccount | None:
    """The lock waits of one database in about `span`; None where it was not looked at, or nobody waited."""
    waits = in_stretch((w for w in case.view.of(LockWaits) if w.source == source), span)
    looks, blocked = sum(w.samples for w in waits), sum(w.blocked_samples for w in waits)
    if not looks or not blocked:
        return None
    mean = sum(w.blocked * w.samples for w in waits) / looks
    root, root_seconds = _root(waits)
    return LockAccount(
        source=source,
        looks=looks,
        share=blocked / looks,
        mean=mean,
        most=max(w.most_blocked for w in waits),
        part=_part(case, waits),
        waits=_mean_waits(waits, looks),
        root=root,
        root_seconds=root_seconds,
        relations=_names(w.relations for w in waits),
        wanted=_names(w.wanted for w in waits),
        statements=_names(w.statements for w in waits),
        worst=max(waits, key=lambda w: (bool(w.roots and w.roots[0].state), w.blocked)),
    )


def running_part(case: Case, source: str, ids: Collection[str]) -> float:
    """The part of the requests' time in the trouble that sessions were at work on these statements, 0..1: it counts
    those too that had not ended by the halt."""
    waits = in_stretch((w for w in case.view.of(LockWaits) if w.source == source), trouble_stretch(case))
    if not waits:
        return 0.0
    running_s = sum(n * (w.end - w.start) for w in waits for key, n in w.running.items() if key in ids)
    return min(1.0, running_s / _requests_s(case, waits))


def _part(case: Case, waits: Sequence[LockWaits]) -> float:
    """Session-seconds behind locks beside request-seconds."""
    return min(1.0, sum(w.blocked * (w.end - w.start) for w in waits) / _requests_s(case, waits))


def _requests_s(case: Case, waits: Sequence[LockWaits]) -> float:
    """Request-seconds at the time of the looks. A request that was held up until the halt is in no window: what was in
    flight counts too."""
    inside = Span(min(w.start for w in waits), max(w.end for w in waits)).windows(case.windows)
    done_s = sum(middle_ms(bucket) * n for bucket, n in tally(ALL, inside).histogram.items()) / 1000
    flying_s = sum(w.in_flight * (w.end - w.start) for w in inside)
    return max(done_s, flying_s, 1e-3)


def _root(waits: Sequence[LockWaits]) -> tuple[Blocker | None, int]:
    """The session that blocked in most looks, as it was seen last with its state; in how many seconds."""
    looks: Counter[int] = Counter()
    seconds: Counter[int] = Counter()
    seen: dict[int, Blocker] = {}
    for root in (root for w in waits for root in w.roots):
        looks[root.pid] += root.samples
        seconds[root.pid] += 1
        known = seen.get(root.pid)
        if known is None or (root.state and (not known.holds or root.holds)):
            seen[root.pid] = root
    if not looks:
        return None, 0
    pid = looks.most_common(1)[0][0]
    return seen[pid], seconds[pid]


def _mean_waits(waits: Sequence[LockWaits], looks: int) -> dict[str, float]:
    total: Counter[str] = Counter()
    for w in waits:
        total.update({name: n * w.samples for name, n in w.waits.items()})
    return {name: n / looks for name, n in total.most_common()}


def _names(many: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(name for name, _ in Counter(n for names in many for n in names).most_common(5))
