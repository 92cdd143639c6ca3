"""The database server's own limit: named by its words, told from the pool's, and from who holds the slots."""

from __future__ import annotations

FULL = 'connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already'
RESERVED = "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"


def test_a_full_server_is_named_first_with_what_holds_its_slots(run):
    run.load(10, 45).load(45, 50, failed=6).database(10, 45, connections=20)
    run.database(45, 50, connections=97, active=4.0, idle=93.0).log(46, FULL, times=50)
    finding = run.breach(50, 45).findings()[0]
    assert (finding.cause, finding.explained_by_fault) == ("connection-limit", None)
    assert finding.confidence > 0.8
    assert "50 log lines say so" in finding.summary
    assert "are idle" in finding.summary
    assert "give its connections back" in finding.recommendation
    assert len(finding.evidence) >= 2


def test_busy_sessions_are_a_surge_and_no_leak(run):
    run.load(10, 45).load(45, 50, failed=6)
    run.database(10, 50, connections=97, active=95.0, idle=2.0).log(46, RESERVED, times=9)
    finding = run.breach(50, 45).findings()[0]
    assert finding.cause == "connection-limit"
    assert "are busy" in finding.summary
    assert "PgBouncer" in finding.recommendation


def test_a_healthy_server_is_not_accused(run):
    run.load(10, 45).load(45, 50, failed=6, kind="timeout").database(10, 50, connections=20)
    assert all(f.cause != "connection-limit" for f in run.breach(50, 45).findings())
