from __future__ import annotations

import pytest

from harness.analysis.rules import analyse
from harness.journal.record import Readings

TIMEOUT = (
    "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec (GET /api/v1/apps/; pool size 10, 38 waiting)"
)
CUT = "psycopg.OperationalError: consuming input failed: server closed the connection unexpectedly"
ACCESS_503 = (
    '127.0.0.1 - - [22/Nov/2026:14:00:47 +0200] "GET /api/v1/apps/ HTTP/1.1" 503 58 "-" "locust" rt=1.002 urt=1.001'
)


def drill(run):
    """The default drill: slow database, healed; then no connections, until the breach at 47 s."""
    run.load(10, 25).load(25, 45, latency_ms=70).load(45, 46, latency_ms=20).load(46, 47, failed=12, latency_ms=1001)
    run.database(10, 50).reading("app-1", 10, 50, cpu=0.2, memory=0.4)
    run.fault("latency", 25, 43, fault_id="f1").fault("pool-exhaustion", 45, 47.2, fault_id="f2")
    run.log(46.1, TIMEOUT, times=12).line(ACCESS_503, times=12, name="access.log")
    return run.breach(47, 46)


def test_the_drill_names_the_pool_first_and_says_that_the_fault_explains_it(run):
    findings = drill(run).tables().findings()
    assert [f.cause for f in findings] == ["pool-exhaustion"]
    finding = findings[0]
    assert finding.explained_by_fault == "f2"
    assert finding.confidence > 0.9
    assert "explains this by itself" in finding.summary
    assert "pool of 10 held" in finding.summary
    assert "wait 1 s for a connection, then fail with 503" in finding.summary
    assert "below the 1 s" in finding.recommendation
    assert "10 of the server's 100 connections" in finding.recommendation


def test_every_piece_of_evidence_can_be_opened_at_its_line(run):
    finding = drill(run).tables().findings()[0]
    log, sessions, windows, access = run.quoted(finding)
    assert TIMEOUT in log
    assert "database.main,connections,10" in sessions
    assert windows.split(",")[3] == "12"
    assert " 503 " in access
    assert [p.path for p in finding.evidence] == [
        "evidence/app-1/application.log",
        "evidence/readings.csv",
        "evidence/windows.csv",
        "evidence/app-1/access.log",
    ]
    assert finding.evidence[0].line == 1
    assert finding.evidence[0].text.startswith("12 log lines say that no connection came free: 2026-11-22 14:00:46")
    assert "the server itself is not full" in finding.evidence[1].text
    assert finding.evidence[2].text.startswith("48 of 96 requests failed (48 http) from 45.0 s to 47.0 s, p95 1")


def test_without_the_tables_the_journal_is_the_evidence(run):
    finding = drill(run).findings()[0]
    assert '"kind":"readings"' in run.quoted(finding)[1]
    assert '"kind":"window"' in run.quoted(finding)[2]
    assert len(finding.evidence) >= 2


@pytest.mark.parametrize("at_s", [47.02, 46.9])  # right after the breach; and on a host whose clock is a bit behind
def test_log_lines_that_only_the_healing_wrote_do_not_accuse_the_database(run, at_s):
    run.log(at_s, CUT, times=40)
    findings = drill(run).tables().findings()
    assert findings[0].cause == "pool-exhaustion"
    assert findings[0].confidence > 0.9


def test_without_any_fault_the_pool_itself_is_named(run):
    run.load(10, 45).load(45, 50, failed=6, latency_ms=1001)
    run.database(10, 50, active=9.0, idle=1.0).reading("app-1", 10, 50, cpu=0.3)
    finding = run.log(46, TIMEOUT, times=30).breach(50, 45).findings()[0]
    assert finding.cause == "pool-exhaustion"
    assert finding.explained_by_fault is None
    assert "pool of 10 is exhausted" in finding.summary
    assert "The server has room: 10 of 100" in finding.summary
    assert "Make the pool larger" in finding.recommendation


@pytest.mark.parametrize(
    "line",
    [
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30",
        "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after "
        "30000ms (total=10, active=10, idle=0, waiting=12)",
        "Error: timeout exceeded when trying to connect",
    ],
)
def test_other_pools_say_it_in_their_own_words(run, line):
    run.load(10, 45).load(45, 50, failed=6).database(10, 50)
    assert [f.cause for f in run.log(46, line, times=5).breach(50, 45).findings()] == ["pool-exhaustion"]


def test_a_pool_that_waits_silently_is_named_when_all_its_sessions_are_busy(run):
    run.load(10, 45).load(45, 50, failed=6, kind="timeout", latency_ms=5000)
    run.database(10, 45, active=2.0).database(45, 50, active=10.0, idle=0.0)
    finding = run.breach(50, 46).findings()[0]
    assert finding.cause == "pool-exhaustion"
    assert finding.confidence < 0.7


def test_the_servers_own_limit_is_not_the_pool(run):
    run.load(10, 45).load(45, 50, failed=6).database(10, 50, connections=97)
    run.log(46, 'connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already', times=50)
    run.log(46, TIMEOUT, times=10)
    assert [f.cause for f in run.breach(50, 45).findings()] == ["connection-limit"]


def test_sessions_behind_locks_cast_doubt(run):
    run.load(10, 45).load(45, 50, failed=6).database(10, 45).database(45, 50, active=10.0, blocked=9.0)
    run.log(46, TIMEOUT, times=10).reading("database.main", 45, 50, longest_query_s=4.0)
    held = run.breach(50, 45).findings()
    assert not held or held[0].confidence < 0.5


def test_a_run_that_held_accuses_nobody(run):
    run.load(10, 60).database(10, 60).log(46, TIMEOUT, times=50).log(46, CUT, times=50)
    assert run.fault("pool-exhaustion", 45, 50).findings() == ()


def test_a_breach_without_suffering_requests_accuses_nobody(run):
    run.load(10, 60).database(10, 60).log(46, TIMEOUT, times=50)
    assert run.breach(50, 45).findings() == ()


def test_one_piece_of_evidence_is_no_accusation(run):
    run.load(10, 45).load(45, 50, failed=6).log(46, TIMEOUT, times=50).breach(50, 45)
    view = run.view()
    (run.folder / "journal" / "conductor.jsonl").unlink()
    assert analyse(view, run.folder) == ()


def test_hidden_or_missing_readings_still_leave_a_finding(run):
    drill(run)
    run.records = [r for r in run.records if not isinstance(r, Readings)]
    assert [f.cause for f in run.findings()] == ["pool-exhaustion"]
