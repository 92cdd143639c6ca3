from __future__ import annotations

import pytest

from harness.journal.record import EvidenceFile, FaultHealed, FaultInjected, Gap, LevelJudged

REFUSED = (
    "error connecting in 'crowdfund': connection failed: connection to server at \"127.0.0.1\", port 15432 failed: "
    "Connection refused"
)
TIMEOUT = (
    "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec (GET /api/v1/apps/; pool size 10, 38 waiting)"
)
CACHE = "cache get apps: redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:16379. Connection refused."


def database_down(run):
    run.load(10, 45).load(45, 47, failed=12, latency_ms=1001)
    run.database(10, 45).database(45, 50, connections=0.0)
    return run.fault("down", 45, 47.3, fault_id="f7").breach(47, 45.25)


def test_a_database_that_is_down_is_named_before_the_pool_that_waits_for_it(run):
    run.log(45.1, "discarding closed connection: <psycopg.AsyncConnection [BAD]>", times=5)
    run.log(45.2, REFUSED, times=8).log(46.2, TIMEOUT, times=40)
    findings = database_down(run).tables().findings()
    assert findings[0].cause == "dependency-down"
    assert findings[0].explained_by_fault == "f7"
    assert "the database main" in findings[0].summary
    assert "sessions are gone" in findings[0].summary
    assert all(f.confidence < 0.5 for f in findings[1:])
    lines = run.quoted(findings[0])
    assert REFUSED in lines[0]
    assert "database.main,connections,0" in lines[1]


def test_without_logs_the_lost_sessions_name_it(run):
    findings = database_down(run).findings()
    assert [f.cause for f in findings] == ["dependency-down"]


def test_without_the_readings_the_log_names_it(run):
    run.load(10, 45).load(45, 47, failed=12).log(45.2, REFUSED, times=8).log(46.2, TIMEOUT, times=40)
    run.records.append(Gap(t=46, source="database.main", reason="connection refused"))
    findings = run.breach(47, 45.25).findings()
    assert findings[0].cause == "dependency-down"
    assert findings[0].explained_by_fault is None


def test_held_sessions_speak_against_it(run):
    run.load(10, 45).load(45, 50, failed=6).database(10, 50)
    run.log(45.2, REFUSED, times=3).log(46, TIMEOUT, times=40)
    causes = {f.cause: f.confidence for f in run.breach(50, 45).findings()}
    assert causes.get("dependency-down", 0.0) < 0.4


def test_a_cache_that_is_down_is_named_after_a_deviation(run):
    run.load(10, 45).load(45, 55, latency_ms=500).load(55, 60)
    run.database(10, 60).reading("cache.main", 10, 45, clients=8.0).reading("cache.main", 45, 55, clients=0.0)
    run.fault("latency", 26, 40, fault_id="f1").fault("down", 45, 55, proxy="redis", fault_id="f2")
    run.records.append(
        LevelJudged(t=60, name="api", phase="faults", value=480, limit=200, unit="ms", met=False, text="api p95 480 ms")
    )
    findings = run.log(46, CACHE, times=50).tables().findings()
    assert [f.cause for f in findings] == ["dependency-down"]
    assert "the cache main" in findings[0].summary
    assert findings[0].explained_by_fault == "f2"
    assert "no request failed, but they took longer (p95 5" in findings[0].summary
    assert "circuit breaker" in findings[0].recommendation


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("paystack: ConnectError: All connection attempts failed", "down"),
        ("paystack: ReadTimeout: no answer to verify GD-1", "timeout"),
    ],
)
def test_a_service_is_named_by_its_proxy(run, line, kind):
    run.load(10, 45).load(45, 50, failed=3).database(10, 50)
    run.fault(kind, 45, 50, proxy="paystack", fault_id="f3").log(46, line, times=9)
    findings = run.breach(49, 45).findings()
    assert [f.cause for f in findings] == ["dependency-down"]
    assert "the service behind paystack" in findings[0].summary
    assert findings[0].explained_by_fault == "f3"


def test_a_level_missed_at_the_baseline_is_no_deviation(run):
    run.load(10, 60, latency_ms=500).log(46, CACHE, times=50)
    run.records.append(LevelJudged(t=26, name="api", phase="baseline", value=480, limit=200, unit="ms", met=False))
    assert run.findings() == ()


def test_files_outside_the_run_folder_are_never_opened(run, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.log"
    outside.write_text(f"{REFUSED}\n" * 9)
    run.load(10, 45).load(45, 47, failed=12)
    run.files += [EvidenceFile(path=str(outside), source="app-1", what="x")]
    run.files += [EvidenceFile(path="../../../../../../../../etc/hostname", source="app-1", what="x")]
    assert run.breach(47, 45.25).findings() == ()


def test_collected_files_that_vanished_or_are_no_text_do_not_stop_the_analysis(run):
    run.files.append(EvidenceFile(path="evidence/app-1/gone.log", source="app-1", what="x"))
    run.line("x", name="binary.log")
    (run.folder / "evidence/app-1/binary.log").write_bytes(bytes(range(256)) * 50)
    run.log(45.2, REFUSED, times=8)
    assert database_down(run).findings()[0].cause == "dependency-down"


@pytest.mark.parametrize(
    ("kind", "logged"),
    [
        ("cache-pause", "cache get apps: redis.exceptions.TimeoutError: Timeout reading from socket"),
        ("cache-connections", "cache get apps: redis.exceptions.ConnectionError: max number of clients reached"),
    ],
)
def test_a_fault_on_the_cache_itself_explains_that_it_is_out_of_reach(run, kind, logged):
    run.load(10, 45).load(45, 55, latency_ms=500).load(55, 60)
    run.database(10, 60).reading("cache.main", 10, 45, clients=8.0)
    clients = {"cache-connections": 10_000.0}
    if kind in clients:  # those of the fault are counted by the server, too
        run.reading("cache.main", 45, 55, clients=clients[kind])
    run.records += [
        FaultInjected(t=45, fault_id="f2", name=f"the {kind}", fault_kind=kind, on="cache", place="main"),
        FaultHealed(t=55, fault_id="f2", by="conductor"),
        LevelJudged(
            t=60, name="api p95", phase="faults", value=500, limit=200, unit="ms", met=False, p95_ms=500, text="missed"
        ),
    ]
    finding = run.log(45.5, logged, times=60).tables().findings()[0]
    assert (finding.cause, finding.explained_by_fault) == ("dependency-down", "f2")
    assert f"({kind} on main)" in finding.summary
