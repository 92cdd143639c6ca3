"""Calls a request are a count: neither a slow wire nor a busy machine makes an N+1."""

from __future__ import annotations

from harness.journal.record import DatabaseDescribed, DatabaseWork
from harness.journal.work import StatementWork, TableShape

QUERY = "select name from investors where id = $1"
PER_SECOND = 48  # requests, in these journals


def work(run, since_s, until_s, per_request, *, query=QUERY, blocks=3):
    calls = round(per_request * PER_SECOND * (until_s - since_s))
    done = StatementWork(id="7", query=query, calls=calls, total_ms=calls * 0.01, rows=calls, blocks=calls * blocks)
    run.records.append(DatabaseWork(t=until_s, source="database.main", start=since_s, end=until_s, statements=(done,)))
    return run


def chatty(run, per_request=60.0, **how):
    run.load(10, 25).load(25, 50, latency_ms=600).database(10, 50).breach(50, 26)
    shape = TableShape(name="public.investors", rows=1000, columns=("id", "name"), indexes=(("id",),))
    run.records.append(DatabaseDescribed(t=1, source="database.main", version="16.4", tables=(shape,)))
    return work(work(run, 10, 25, 1.0, **how), 25, 50, per_request, **how)


def test_the_statement_and_its_calls_a_request_are_named(run):
    finding = chatty(run).tables().findings()[0]
    assert finding.cause == "unoptimised-queries"
    assert finding.confidence > 0.9
    assert "runs one statement 60 times on average" in finding.summary
    assert QUERY in finding.summary
    assert "`... from investors where id = any($1)`" in finding.recommendation
    assert "(60 a request, 1 in the baseline)" in finding.evidence[0].text
    assert len(finding.evidence) >= 2


def test_a_few_calls_a_request_are_ordinary(run):
    assert chatty(run, 4.0).findings() == ()


def test_pings_of_a_pool_and_transactions_are_no_questions(run):
    assert chatty(run, query="BEGIN").findings() == ()


def test_a_latency_fault_on_an_ordinary_platform_accuses_no_statement(run):
    run.load(10, 25).load(25, 50, latency_ms=600).database(10, 50).fault("latency", 25, 50).breach(50, 26)
    work(work(run, 10, 25, 1.0), 25, 50, 1.0)
    assert "unoptimised-queries" not in [f.cause for f in run.findings()]


def test_on_a_chatty_platform_a_latency_fault_explains_it_and_exposed_the_round_trips(run):
    run.load(10, 25).load(25, 50, latency_ms=600).database(10, 50).fault("latency", 25, 50).breach(50, 26)
    work(work(run, 10, 25, 30.0), 25, 50, 30.0)
    finding = next(f for f in run.findings() if f.cause == "unoptimised-queries")
    assert finding.explained_by_fault == "f1"
    assert finding.confidence < 0.7
    assert "What it exposed" in finding.summary


def test_a_busy_machine_does_not_make_a_chatty_platform(run):
    run.load(10, 50, latency_ms=900).database(10, 50).reading("app-1", 10, 50, cpu=1.0).breach(50, 12)
    work(run, 10, 50, 2.0)
    assert "unoptimised-queries" not in [f.cause for f in run.findings()]
