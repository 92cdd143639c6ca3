"""Who blocks is named before those that are blocked."""

from __future__ import annotations

import pytest

from harness.journal.record import DatabaseDescribed, LockWaits
from harness.journal.work import Blocker, Setting

ROOT = Blocker(
    pid=4711,
    application_name="report",
    role="crowdfund",
    state="idle in transaction",
    state_age_s=4.2,
    statement="select sum(raised) from apps",
    holds=("AccessExclusiveLock on public.apps",),
    samples=5,
    blocked=8,
)
POOL = "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec (GET /; pool size 10, 38 waiting)"
LOG = "LOG:  process 99 still waiting for AccessShareLock on relation 16402 of database 16384 after 1000.123 ms"


def waits(run, since_s, until_s, blocked, *, root=ROOT, samples=5, blocked_samples=5, kind="Lock:relation"):
    for second in range(int(since_s), int(until_s)):
        run.records.append(
            LockWaits(
                t=second + 1, source="database.main", start=second, end=second + 1, samples=samples,
                blocked_samples=blocked_samples if blocked else 0, blocked=blocked, most_blocked=round(blocked),
                waits={kind: blocked} if blocked else {}, roots=(root,) if blocked and root else (),
                relations=("public.apps",) if blocked else (), wanted=("AccessShareLock",) if blocked else (),
                statements=("select id from apps",) if blocked else (),
            )
        )  # fmt: skip
    return run


def locked(run, **how):
    """Sound until 40 s; then 8 sessions wait, and the requests with them."""
    run.load(10, 40).load(40, 50, latency_ms=900).database(10, 40).database(40, 50, active=8.0, blocked=8.0)
    return waits(waits(run, 10, 40, 0.0), 40, 50, 8.0, **how).breach(50, 41)


def test_the_root_what_it_holds_and_what_it_does_are_named(run):
    run.log(45, LOG, times=12, name="postgresql.log", source="db-1")
    settings = (Setting(name="lock_timeout", value="0"), Setting(name="idle_in_transaction_session_timeout", value="0"))
    run.records.append(DatabaseDescribed(t=1, source="database.main", version="16.4", settings=settings))
    finding = locked(run).tables().findings()[0]
    assert finding.cause == "lock-contention"
    assert finding.confidence > 0.9
    assert "wait for locks on public.apps: 7.3 on average, 8 at most" in finding.summary
    assert "pid 4711, report (crowdfund), idle in transaction for 4.2 s" in finding.summary
    assert "it holds AccessExclusiveLock on public.apps" in finding.summary
    assert "Shorten the transaction of report" in finding.recommendation
    assert "idle_in_transaction_session_timeout (now 0)" in finding.recommendation
    assert "lock_timeout (now 0: for ever)" in finding.recommendation
    assert "12 log lines of waits for locks" in finding.evidence[1].text
    assert run.quoted(finding)


@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ("alter table apps add column x int", "in quiet hours"),
        ("lock table apps in access exclusive mode", "from a replica"),
        ("update apps set raised = raised + $1", "spread what it changes"),
    ],
)
def test_the_advice_is_about_what_the_root_does(run, statement, advice):
    root = ROOT.model_copy(update={"state": "active", "statement": statement})
    assert advice in locked(run, root=root).findings()[0].recommendation


def test_the_blocker_comes_before_the_pool_that_it_emptied(run):
    run.log(46, POOL, times=60)
    causes = [f.cause for f in locked(run).findings()]
    assert causes[0] == "lock-contention"


def test_a_root_that_we_may_not_look_into_is_still_said(run):
    finding = locked(run, root=Blocker(pid=0, samples=5, blocked=8)).findings()[0]
    assert "a prepared transaction" in finding.summary


def test_short_waits_now_and_then_are_ordinary(run):
    run.load(10, 50, latency_ms=600).database(10, 50).breach(50, 12)
    waits(run, 10, 50, 0.2, blocked_samples=1)
    assert "lock-contention" not in [f.cause for f in run.findings()]


def test_a_busy_machine_with_waits_that_are_no_part_of_the_time_is_not_accused(run):
    run.load(10, 50, latency_ms=4000).database(10, 50).reading("app-1", 10, 50, cpu=1.0).breach(50, 12)
    waits(run, 10, 50, 1.0, blocked_samples=2)
    assert "lock-contention" not in [f.cause for f in run.findings()]


def test_waits_that_were_there_before_the_fault_explain_no_trouble(run):
    run.load(10, 25, latency_ms=90).load(25, 50, latency_ms=900).database(10, 50)
    waits(run, 10, 50, 6.0).fault("down", 25, 50, proxy="redis").breach(50, 26)
    assert "lock-contention" not in [f.cause for f in run.findings()]


@pytest.mark.parametrize("kind", ["lock-contention", "idle-in-transaction"])
@pytest.mark.parametrize("root", [None, Blocker(pid=9, samples=5, blocked=8, holds=("ExclusiveLock on public.apps",))])
def test_an_injected_lock_is_named_as_the_root(run, kind, root):
    """Gameday's own sessions are left out of what it reads: the root can be seen by nothing but its pid."""
    finding = locked(run, root=root).fault(kind, 39, 50, proxy="", database="main").findings()[0]
    assert (finding.cause, finding.explained_by_fault) == ("lock-contention", "f1")
    assert 'the root is the injected fault "' in finding.summary
    assert ("and holds ExclusiveLock on public.apps" in finding.summary) is (root is not None)
    assert "report" in finding.recommendation


def test_an_injected_lock_does_not_explain_what_another_session_holds(run):
    finding = locked(run).fault("lock-contention", 39, 50, proxy="", database="main").findings()[0]
    assert finding.explained_by_fault is None
    assert "pid 4711, report" in finding.summary


def test_a_slow_wire_makes_transactions_and_their_locks_last(run):
    locked(run).fault("latency", 39, 50)
    finding = next(f for f in run.findings() if f.cause == "lock-contention")
    assert finding.explained_by_fault == "f1"
    assert "What it exposed" in finding.summary
