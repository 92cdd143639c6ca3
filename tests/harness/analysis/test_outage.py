from __future__ import annotations

import pytest

from harness.journal.record import Gap, LevelJudged

TIMEOUT = (
    "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec (GET /api/v1/apps/; pool size {}, 21 waiting)"
)
CLOSED = (
    "error connecting in 'crowdfund': connection failed: connection to server at \"127.0.0.1\", port 15432 failed: "
    "server closed the connection unexpectedly"
)
KILLED = "psycopg.errors.AdminShutdown: terminating connection due to unexpected postmaster exit (GET /api/v1/apps/)"
CACHE = "cache get apps: redis.exceptions.ConnectionError: Error UNKNOWN while writing to socket. Connection lost."
CUT = "127.0.0.1:5432: terminating connection due to unexpected postmaster exit"
REFUSED = "127.0.0.1:6379: Error 111 connecting to 127.0.0.1:6379. Connection refused."
SILENT = "127.0.0.1:5432: no answer within 2 s: timed out"


def gap(run, at_s, reason=CUT, source="database.main"):
    run.records.append(Gap(t=at_s, source=source, reason=reason))
    return run


def killed(run, *, until_s=46, gap_s=46.3):
    """The server dies at 46 s, under a latency that has been on since 44 s; the breach comes at 47.5 s."""
    run.load(10, 46).load(46, 47.5, failed=12, latency_ms=1001).database(10, until_s)
    gap(run, gap_s).fault("latency", 44, 48)
    return run.breach(47.5, 46)


def test_a_database_that_was_killed_is_named_and_a_latency_on_its_proxy_does_not_explain_it(run):
    run.log(46.1, KILLED, times=8).log(46.2, CLOSED, times=29).log(47.2, TIMEOUT.format(1), times=18)
    findings = killed(run).tables().findings()
    assert [f.cause for f in findings] == ["dependency-down"]
    assert findings[0].confidence >= 0.9
    assert findings[0].explained_by_fault is None
    assert "our own readings of it fail since 46.3 s" in findings[0].summary
    assert findings[0].recommendation.startswith("Bring its server back")
    lines = run.quoted(findings[0])
    assert CLOSED in lines[0]
    assert '"kind":"gap"' in lines[1]


def test_our_own_failing_readings_outweigh_a_log_that_only_knows_of_waiting(run):
    run.log(47.2, "Error: timeout exceeded when trying to connect", times=18)
    causes = [(f.cause, f.explained_by_fault) for f in killed(run).findings()]
    assert causes[0] == ("dependency-down", None)


def test_a_reading_that_fails_only_after_the_breach_still_tells(run):
    run.log(46.2, CLOSED, times=29).log(47.2, TIMEOUT.format(1), times=18)
    finding = killed(run, until_s=47, gap_s=48.4).findings()[0]
    assert finding.cause == "dependency-down"
    assert "our own readings" in finding.summary


@pytest.mark.parametrize("kind", ["down", "timeout"])
def test_a_fault_that_cuts_the_dependency_explains_it(run, kind):
    run.load(10, 45).load(45, 47, failed=12).database(10, 45).log(45.2, CLOSED, times=8)
    gap(run, 45.4).fault(kind, 45, 47.3, fault_id="f7").breach(47, 45.25)
    finding = run.findings()[0]
    assert finding.cause == "dependency-down"
    assert finding.explained_by_fault == "f7"


@pytest.mark.parametrize(
    ("reason", "answers_again"),
    [
        (CUT, True),
        ("127.0.0.1:5432: connection failed: FATAL:  sorry, too many clients already", False),
        ("permission denied for view pg_stat_activity", False),
    ],
    ids=["a session of ours was cut", "the server is full", "not allowed"],
)
def test_a_reading_that_failed_on_a_server_that_is_there_does_not_accuse_it(run, reason, answers_again):
    run.load(10, 45).load(45, 50, failed=6, latency_ms=1001).database(10, 53 if answers_again else 46)
    gap(run, 46.9, reason).log(46, TIMEOUT.format(10), times=40)
    findings = run.breach(50, 45).findings()
    assert [f.cause for f in findings] == ["pool-exhaustion"]
    assert findings[0].confidence > 0.7


def test_readings_that_hang_while_a_fault_holds_connections_are_the_faults(run):
    run.load(10, 45).load(45, 50, failed=6, latency_ms=1001).database(10, 46)
    gap(run, 48, SILENT).fault("pool-exhaustion", 45, 50.1).log(46, TIMEOUT.format(10), times=40)
    findings = run.breach(50, 45).findings()
    assert [f.cause for f in findings] == ["pool-exhaustion"]
    assert findings[0].confidence >= 0.9
    assert findings[0].explained_by_fault == "f1"


def test_a_server_that_answers_nobody_is_named_before_the_pool(run):
    run.load(10, 45).load(45, 50, failed=6, latency_ms=1001).database(10, 46)
    gap(run, 48, SILENT).fault("latency", 40, 51).log(46, TIMEOUT.format(10), times=40)
    finding = run.breach(50, 45).findings()[0]
    assert finding.cause == "dependency-down"
    assert finding.explained_by_fault is None
    assert finding.confidence < 0.7
    assert "gives no answer" in finding.summary


def test_a_database_that_was_never_read_well_accuses_nobody(run):
    gap(run, 12).load(10, 45).load(45, 50, failed=6, latency_ms=1001)
    assert gap(run, 46).breach(50, 45).findings() == ()


def test_a_cache_whose_server_died_is_named_though_its_last_readings_were_good(run):
    run.load(10, 45).load(45, 55, failed=1).database(10, 60).reading("cache.main", 10, 48, clients=13.0)
    gap(run, 48.3, REFUSED, "cache.main").fault("latency", 45, 55).log(48.2, CACHE, times=300)
    run.records.append(
        LevelJudged(t=60, name="api", phase="faults", value=0.03, limit=0.01, unit="fraction", met=False)
    )
    findings = run.tables().findings()
    assert [f.cause for f in findings] == ["dependency-down"]
    assert "the cache main is down" in findings[0].summary.lower()
    assert findings[0].confidence >= 0.9
    assert findings[0].explained_by_fault is None


def test_a_dead_server_in_a_run_that_held_accuses_nobody(run):
    run.load(10, 60).database(10, 46).reading("cache.main", 10, 46, clients=13.0)
    gap(run, 46.3).fault("latency", 44, 48).log(46.2, CLOSED, times=9)
    assert gap(run, 46.4, REFUSED, "cache.main").findings() == ()


@pytest.mark.parametrize(
    "reason",
    ["the database system is shutting down", "the database system is starting up", "server closed the connection"],
)
def test_what_a_server_says_that_goes_or_comes_is_an_outage(run, reason):
    run.load(10, 46).load(46, 50, failed=12).database(10, 46).log(46.2, f"FATAL:  {reason} unexpectedly", times=5)
    findings = gap(run, 46.3, reason).breach(50, 46).findings()
    assert [f.cause for f in findings] == ["dependency-down"]
    assert findings[0].confidence >= 0.9


@pytest.mark.parametrize(
    ("sessions", "logged", "told"),
    [(10.0, 10, "pool of 10 held"), (10.0, 1, "pool of 10 held"), (1.0, 1, "pool of 1 held"), (None, 1, "pool held")],
)
def test_the_size_of_the_pool_is_told_only_when_it_is_known(run, sessions, logged, told):
    run.load(10, 45).load(45, 50, failed=6, latency_ms=1001).fault("pool-exhaustion", 45, 50.1)
    if sessions is not None:
        run.database(10, 50, connections=sessions)
    finding = run.log(46, TIMEOUT.format(logged), times=9).breach(50, 45).findings()[0]
    assert told in finding.summary


def test_a_plateau_of_one_session_is_no_pool_of_one(run):
    run.load(10, 45).load(45, 50, failed=6).fault("timeout", 45, 50.1).database(45, 50, connections=1.0)
    finding = run.log(46, "Error: timeout exceeded when trying to connect", times=9).breach(50, 45).findings()[0]
    assert finding.cause == "pool-exhaustion"
    assert "the application's pool held" in finding.summary
