"""Journals of runs as they happen: a drill that stops, a run that holds, one that proves nothing, one killed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from harness.journal import histogram
from harness.journal import record as r

WriteRun = Callable[[Sequence[r.Record]], Path]

# name, share of the traffic, median latency in ms, calls to the database
TRAFFIC = (
    ("GET /api/v1/apps/", 0.42, 14.0, 2),
    ("GET /api/v1/apps/[id]/", 0.26, 11.0, 2),
    ("POST /api/v1/investments/", 0.14, 24.0, 4),
    ("GET /api/v1/payments/verify/[ref]/", 0.12, 18.0, 2),
    ("POST /api/v1/payments/paystack-webhook/", 0.06, 16.0, 3),
)
LEVELS = (
    r.PlannedLevel(name="api", text="api p95 < 200 ms", unit="ms", limit=200, of="* /api/v1/*"),
    r.PlannedLevel(name="api", text="api error rate < 1%", unit="fraction", limit=0.01, of="* /api/v1/*"),
    r.PlannedLevel(name="payment", text="payment p95 < 5 s", unit="ms", limit=5000, of="* /api/v1/payments/*"),
    r.PlannedLevel(name="cpu", text="app-1.cpu < 90%", unit="fraction", limit=0.9, of="app-1.cpu"),
    r.PlannedLevel(name="no double charge", text="no double charge = 0", unit="count", limit=0, of="query on main"),
)
SLOW = r.PlannedFault(
    id="slow-database",
    name="slow database",
    fault_kind="latency",
    proxy="postgres",
    params={"latency_ms": 50.0, "jitter_ms": 10.0},
    at=0,
    for_s=20,
)
EXHAUSTED = r.PlannedFault(
    id="no-connections", name="no connections", fault_kind="pool-exhaustion", proxy="postgres", at=25, for_s=30
)
STARTED = r.RunStarted(
    t=0.001,
    run="20261122-140300-drill",
    version="0.1.0",
    started_at="2026-11-22T14:03:00+00:00",
    runbook="Investors keep investing while the database slows down, then runs out of connections",
    runbook_path="runbooks/books/drill.yaml",
    hypothesis="With every database round trip 50 ms slower, investing stays within its service levels.",
    expect="stopped",
    target="sandbox",
    target_path="runbooks/targets/sandbox.yaml",
    environment="practice",
    base_url="http://127.0.0.1:8000",
    inputs={"runbook.yaml": "9f" * 32, "target.yaml": "3c" * 32, "crowdfund.py": "b1" * 32},
    locustfile="runbooks/scenarios/crowdfund.py",
    tags=("investment", "payment"),
    users=100,
    spawn_rate=20,
    phases_s={"warm-up": 10, "baseline": 15, "recovery": 20},
    recover_within_s=20,
    service_levels=LEVELS,
    faults=(SLOW, EXHAUSTED),
    stop_when=("error rate of all above 1%", "p95 of api above 2 s over 5 s", "stall over 1 s"),
    collect=("app-1", "db-1"),
    rollback=(r.PlannedRollback(host="app-1", run="systemctl restart crowdfund"),),
    slack_channel="#game-day",
    databases={"main": "postgres"},
    caches={"main": "redis"},
)


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Puts records into the journal of a new run folder, as the conductor does."""

    def write(records: Sequence[r.Record]) -> Path:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        (folder / "journal").mkdir(parents=True)
        lines = "".join(record.model_dump_json() + "\n" for record in records)
        (folder / "journal" / "conductor.jsonl").write_text(lines, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def stopped_records() -> list[r.Record]:
    """The drill: slow database from 25 s, connections exhausted from 50 s, breach at 52.5 s, halt."""
    return [*_until_breach(), *_after_breach()]


@pytest.fixture
def held_records() -> list[r.Record]:
    """A run to its end: the slow database alone, and the service levels hold."""
    started = STARTED.model_copy(update={"expect": "held", "faults": (SLOW,)})
    return [
        started,
        *_phases(("warm-up", 0.5, 10), ("baseline", 10, 25), ("faults", 25, 45), ("recovery", 45, 65)),
        *_windows(0.5, 65, (25, 45, 50.0)),
        *_slow_fault(45.1),
        *_levels("baseline", 31.2, 0.0),
        *_levels("faults", 187.4, 0.0),
        *_levels("recovery", 33.0, 0.0),
        r.Recovered(t=65.0, time_to_recover_s=1.2),
        r.LoadStopped(t=65.3, at=65.3, how="asked"),
        r.VerdictReached(t=65.4, verdict="held", reason="all service levels were met in every phase", exit_code=0),
    ]


@pytest.fixture
def invalid_records() -> list[r.Record]:
    """The application goes around the proxy: the fault is on the wire and nobody notices."""
    return [
        STARTED.model_copy(update={"expect": "held", "faults": (SLOW,)}),
        *_phases(("warm-up", 0.5, 10), ("baseline", 10, 25), ("faults", 25, 29)),
        *_windows(0.5, 29, (99, 99, 0)),
        _injected(SLOW, 25.1, 45.1),
        _proof("slow-database", "wire", 25.9, "0.4 ms -> 51 ms", effective=True),
        _proof("slow-database", "platform", 28.5, "median 13 ms -> 13 ms", effective=False),
        _healed("slow-database", 28.7, "0.4 ms"),
        *_levels("baseline", 31.2, 0.0),
        r.LoadStopped(t=29.0, at=29.0, how="asked"),
        r.VerdictReached(
            t=29.1, verdict="invalid", reason="the fault slow database had no effect at the platform", exit_code=12
        ),
    ]


@pytest.fixture
def killed_records() -> list[r.Record]:
    """SIGKILL of the conductor while the database was slow; its healer healed."""
    alive = [record for record in _until_breach() if record.t < 38]
    return [*alive, _healed("slow-database", 38.9, "0.5 ms").model_copy(update={"by": "healer"})]


def _until_breach() -> list[r.Record]:
    return [
        STARTED,
        *_phases(("warm-up", 0.5, 10), ("baseline", 10, 25), ("faults", 25, 52.6)),
        *_windows(0.5, 52.75, (25, 45, 50.0), exhausted_from_s=50.2),
        r.Gap(t=31.0, source="app-1", reason="the reading took longer than 1 s"),
        r.Gap(t=32.0, source="app-1", reason="the reading took longer than 1 s"),
        *_levels("baseline", 31.2, 0.0),
        *_slow_fault(45.1),
        r.UndoWritten(t=50.0, fault_id="no-connections", undo={"toxics": []}),
        _injected(EXHAUSTED, 50.1, 80.1),
        _proof("no-connections", "wire", 50.4, "a new connection answered nothing for 250 ms", effective=True),
        _proof(
            "no-connections",
            "platform",
            52.2,
            "connections in use 4 -> 10 of 10, requests in flight 1 -> 74",
            effective=True,
        ),
    ]


def _after_breach() -> list[r.Record]:
    return [
        r.Breach(
            t=52.502,
            condition="error_rate",
            source="all",
            text="error rate 31% of 42 requests (13 http), sequential test above 1%",
            breach_at=52.5,
            values={"error_rate": 0.31},
        ),
        r.StopDecided(
            t=52.503,
            source="condition",
            reason="error rate of all above 1%: 13 of 42 requests failed within 2.5 s",
            decided_at=52.503,
        ),
        r.LoadStopped(t=52.81, at=52.8, how="killed", in_flight=87),
        _healed("no-connections", 52.72, "a new connection answered in 0.6 ms"),
        *_levels("faults", 4210.0, 0.083),
        r.EvidenceCollected(
            t=54.9,
            complete=True,
            files=(
                _file("evidence/app-1/application.log", "app-1", "/var/log/crowdfund/application.log", 48213),
                _file("evidence/app-1/access.log", "app-1", "/var/log/nginx/access.log", 391245),
                _file("evidence/db-1/postgresql.log", "db-1", "/var/log/postgresql/postgresql.log", 8120),
                _file("evidence/readings.json", "conductor", "readings of the last 30 s before the breach", 21034),
            ),
        ),
        r.FindingNamed(
            t=55.2,
            cause="pool-exhaustion",
            summary="Requests waited for a database connection until they timed out: all 10 of the pool were in use.",
            confidence=0.93,
            explained_by_fault="no-connections",
            evidence=(
                r.EvidencePiece(
                    text="PoolTimeout: couldn't get a connection after 2.00 sec (31 times)",
                    path="evidence/app-1/application.log",
                    line=212,
                ),
                r.EvidencePiece(
                    text="10 of 10 connections of the application active from +50.3 s", path="evidence/readings.json"
                ),
            ),
            recommendation="fail fast when the pool is empty, bound the wait below the client's timeout, size the pool",
        ),
        r.Notified(t=53.4, channel="#game-day", what="halt", delivered=True, attempts=1),
        r.Notified(t=55.9, channel="#game-day", what="summary", delivered=False, attempts=3, error="channel_not_found"),
        r.VerdictReached(
            t=55.4,
            verdict="stopped",
            reason="error rate of all above 1%: 13 of 42 requests failed within 2.5 s",
            exit_code=0,
        ),
    ]


def _slow_fault(healed_at: float) -> list[r.Record]:
    return [
        r.UndoWritten(t=25.0, fault_id="slow-database", undo={"toxics": []}),
        _injected(SLOW, 25.1, 45.1),
        _proof("slow-database", "wire", 25.9, "0.4 ms -> 51 ms per round trip", effective=True),
        _proof("slow-database", "platform", 31.0, "median 13 ms -> 118 ms", effective=True),
        _healed("slow-database", healed_at, "0.5 ms per round trip"),
    ]


def _phases(*spans: tuple[r.PhaseName, float, float]) -> Iterable[r.Record]:
    for name, start, end in spans:
        yield r.PhaseStarted(t=start, name=name)
        yield r.PhaseEnded(t=end, name=name)


def _injected(fault: r.PlannedFault, at: float, until: float) -> r.FaultInjected:
    return r.FaultInjected(
        t=at,
        fault_id=fault.id,
        name=fault.name,
        fault_kind=fault.fault_kind,
        proxy=fault.proxy,
        params=fault.params,
        until=until,
    )


def _proof(fault_id: str, side: str, at: float, measured: str, *, effective: bool | None) -> r.Proof:
    return r.Proof.model_validate(
        {
            "t": at,
            "fault_id": fault_id,
            "side": side,
            "expected": "a round trip 40 to 60 ms slower" if side == "wire" else "the median at least 50 ms slower",
            "measured": measured,
            "values": {"before_ms": 0.4, "during_ms": 51.0},
            "effective": effective,
        }
    )


def _healed(fault_id: str, at: float, measured: str) -> r.FaultHealed:
    return r.FaultHealed(
        t=at, fault_id=fault_id, by="conductor", rung="toxic deleted", measured_after=measured, verified=True
    )


def _file(path: str, source: str, what: str, size: int) -> r.EvidenceFile:
    return r.EvidenceFile(path=path, source=source, what=what, bytes=size)


def _levels(phase: r.PhaseName, p95_ms: float, error_rate: float) -> Iterable[r.LevelJudged]:
    values = (p95_ms, error_rate, p95_ms * 1.1, 0.41, 0.0)
    for at, (level, value) in enumerate(zip(LEVELS, values, strict=True)):
        yield r.LevelJudged(
            t={"baseline": 25.0, "faults": 53.0, "recovery": 64.9}.get(phase, 0) + at / 1000,
            name=level.name,
            phase=phase,
            value=value,
            limit=level.limit,
            unit=level.unit,
            met=value <= level.limit,
            p95_ms=p95_ms if level.unit == "ms" else None,
            error_rate=error_rate if level.unit == "ms" else None,
            requests=640,
        )


def _windows(
    start: float, end: float, slow: tuple[float, float, float], exhausted_from_s: float = 1e9
) -> Iterable[r.Window]:
    """Four windows a second of 100 users at about 45 requests a second; `slow`: from, to, ms for each database call."""
    chance = random.Random(7)
    at = start
    while at < end:
        users = min(100, int((at - start + 0.25) * 20))
        exhausted = at >= exhausted_from_s
        names = dict(_names(chance, users / 100 * 45 * 0.25 * (0.5 if exhausted else 1), _extra(at, slow), exhausted))
        yield r.Window(
            t=at + 0.25,
            start=at,
            end=at + 0.25,
            names=names,
            users=users,
            in_flight=min(87, int((at - exhausted_from_s) * 35) + 2) if exhausted else 2,
            lag_ms=1.2,
        )
        at += 0.25


def _extra(at: float, slow: tuple[float, float, float]) -> float:
    return slow[2] if slow[0] <= at < slow[1] else 0.0


def _names(
    chance: random.Random, requests: float, extra_ms: float, exhausted: bool
) -> Iterable[tuple[str, r.RequestStats]]:
    for name, share, median_ms, calls in TRAFFIC:
        number = int(requests * share + chance.random())
        if not number:
            continue
        buckets: dict[int, int] = {}
        failed = 0
        for _ in range(number):
            latency = median_ms * chance.lognormvariate(0, 0.45) + calls * extra_ms * chance.uniform(0.8, 1.2)
            if exhausted:
                latency = chance.uniform(1800, 2200)
                failed += chance.random() < 0.7
            buckets[histogram.bucket_of(latency)] = buckets.get(histogram.bucket_of(latency), 0) + 1
        timeouts = failed // 3
        failures = {"http": failed - timeouts, "timeout": timeouts} if failed else {}
        yield name, r.RequestStats(requests=number, failures=failures, histogram=buckets)
