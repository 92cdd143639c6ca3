"""A statement that does much work is named by its work; what only takes long is not."""

from __future__ import annotations

import pytest

from harness.analysis.rules import analyse
from harness.journal.record import DatabaseDescribed, DatabaseWork, EvidenceFile, Proof
from harness.journal.work import Setting, StatementWork, TableShape, TableWork

QUERY = "select id, amount from investments where app_id = $1 and amount > $2"
CHEAP = StatementWork(id="2", query="select id from apps where id = $1", calls=300, total_ms=9, rows=300, blocks=900)


def described(**changes):
    table = TableShape(
        name="public.investments",
        rows=400_000,
        columns=("id", "app_id", "amount"),
        indexes=(("id",),),
    )
    settings = (Setting(name="work_mem", value="4096kB"),)
    return DatabaseDescribed(
        t=1, source="database.main", version="16.4", settings=settings, tables=(table.model_copy(update=changes),)
    )


def statement(*, calls=600, ms=500.0, blocks=3000, rows=5, temp=0, query=QUERY):
    return StatementWork(
        id="1", query=query, calls=calls, total_ms=calls * ms, rows=calls * rows, blocks=calls * blocks,
        temp_blocks=calls * temp,
    )  # fmt: skip


def work(run, since_s, until_s, *statements, tables=()):
    run.records.append(
        DatabaseWork(
            t=until_s, source="database.main", start=since_s, end=until_s, statements=statements, tables=tables
        )
    )
    return run


SCANNED = TableWork(name="public.investments", sequential_scans=60, sequential_rows=24_000_000, live=400_000)


def slow(run, *, first=None, table=SCANNED, **shape):
    """Sound until 25 s, then the requests take 600 ms, because of one statement."""
    run.load(10, 25).load(25, 50, latency_ms=600).database(10, 50).breach(50, 26)
    run.records.append(described(**shape))
    work(run, 10, 25, CHEAP)
    return work(run, 25, 50, first or statement(), CHEAP, tables=(table,))


def test_the_statement_its_table_and_the_missing_index_are_named(run):
    finding = slow(run).tables().findings()[0]
    assert finding.cause == "slow-queries"
    assert finding.confidence > 0.9
    assert "reads 3000 blocks of public.investments" in finding.summary
    assert "600 calls took 500 ms each" in finding.summary
    assert QUERY in finding.summary
    assert "`create index concurrently on public.investments (app_id, amount)`" in finding.recommendation
    assert finding.explained_by_fault is None


def test_its_evidence_is_a_row_of_the_tables_that_can_be_opened(run):
    slow(run)
    folder = run.folder / "evidence" / "database.main"
    folder.mkdir(parents=True)
    (folder / "s.csv").write_text("start_s,end_s,id,statement\n10.000,25.000,2,x\n25.000,50.000,1,the slow one\n")
    run.files.append(EvidenceFile(path="evidence/database.main/s.csv", source="database.main", what="statements"))
    finding = run.findings()[0]
    assert (finding.evidence[0].path, finding.evidence[0].line) == ("evidence/database.main/s.csv", 3)
    assert len(finding.evidence) >= 2
    assert '"kind":"database-work"' in run.quoted(finding)[1]


def test_with_an_index_and_stale_statistics_it_says_analyze(run):
    stale = SCANNED.model_copy(update={"modified": 90_000})
    finding = slow(run, table=stale, indexes=(("id",), ("app_id",))).findings()[0]
    assert "`analyze public.investments`" in finding.recommendation
    assert "create index" not in finding.recommendation


def test_dead_rows_call_for_a_vacuum(run):
    finding = slow(run, table=SCANNED.model_copy(update={"live": 50, "dead": 17_000})).findings()[0]
    assert "vacuum (analyze) public.investments" in finding.recommendation


def test_a_sort_on_disk_is_named_with_the_setting(run):
    query = "select app_id, count(distinct amount) from investments group by app_id"
    finding = slow(run, first=statement(temp=2500, blocks=300, query=query)).findings()[0]
    assert finding.cause == "slow-queries"
    assert "2500 temporary blocks a call: a larger work_mem for it (now 4096kB)" in finding.recommendation


def test_a_statement_that_takes_long_without_work_is_not_accused(run):
    assert [f.cause for f in slow(run, first=statement(blocks=20)).findings()] == []


def test_work_that_nobody_waits_for_is_not_accused(run):
    assert slow(run, first=statement(ms=3.0, calls=5)).findings() == ()


def test_a_latency_fault_on_a_platform_with_a_heavy_statement_is_not_the_statements(run):
    run.load(10, 25, latency_ms=80).load(25, 50, latency_ms=600).database(10, 50)
    run.records.append(described())
    heavy = {"ms": 60.0, "blocks": 3000}
    work(run, 10, 25, statement(calls=900, **heavy), CHEAP)
    work(run, 25, 50, statement(calls=1500, **heavy).model_copy(update={"query": ""}), CHEAP)
    findings = run.fault("latency", 25, 50).breach(50, 26).findings()
    assert "slow-queries" not in [f.cause for f in findings]


@pytest.mark.parametrize("times", [1.0, 30.0])
def test_a_machine_without_cpu_makes_every_statement_slow_and_none_of_them_guilty(run, times):
    run.load(10, 50, latency_ms=40 * times).database(10, 50, active=8.0).reading("app-1", 10, 50, cpu=1.0)
    run.records.append(described())
    work(run, 10, 50, statement(calls=700, ms=0.2 * times, blocks=6), CHEAP)
    assert "slow-queries" not in [f.cause for f in run.breach(50, 12).findings()]


def test_a_platform_that_was_sick_from_the_start_is_named_without_a_baseline(run):
    run.records = [r for r in run.records if r.t < 1]
    run.load(1, 12, latency_ms=900, failed=1).database(1, 12).breach(12, 3)
    run.records.append(described())
    finding = work(run, 1, 12, statement(calls=400), CHEAP, tables=(SCANNED,)).findings()[0]
    assert finding.cause == "slow-queries"


def test_when_the_pool_runs_dry_behind_it_the_statement_comes_first(run):
    line = "psycopg_pool.PoolTimeout: couldn't get a connection after 1.00 sec (GET /; pool size 10, 38 waiting)"
    run.log(40, line, times=40)
    causes = [f.cause for f in slow(run).findings()]
    assert causes[0] == "slow-queries"
    assert run.records


def test_statements_that_lost_their_text_accuse_nobody(run):
    assert slow(run, first=statement(query="")).findings() == ()


def test_nothing_that_can_be_opened_is_no_accusation(run):
    slow(run)
    view = run.view()
    (run.folder / "journal" / "conductor.jsonl").unlink()
    assert analyse(view, run.folder) == ()


def busy(run, *, blocks=3, proven=("wire", "platform")):
    """Sound until 25 s; then a fault keeps the server busy, and the platform's statement takes 40 times as long."""
    run.load(10, 25).load(25, 50, latency_ms=600).database(10, 50).breach(50, 26)
    run.fault("slow-queries", 25, 50, proxy="", database="main")
    for side in proven:
        measured = "a query of the role crowdfund took 31 ms before, 426 ms beside 8 sessions"
        run.records.append(Proof(t=26, fault_id="f1", side=side, expected="", measured=measured, effective=True))
    work(run, 10, 25, CHEAP)
    return work(run, 25, 50, CHEAP.model_copy(update={"total_ms": 360.0, "blocks": 300 * blocks}))


def test_an_injected_load_on_the_server_is_named_with_what_it_did_to_the_platform_s_own_statements(run):
    finding = busy(run).tables().findings()[0]
    assert (finding.cause, finding.explained_by_fault) == ("slow-queries", "f1")
    assert finding.confidence == 0.9
    assert "took 31 ms before, 426 ms" in finding.summary
    assert any("1.2 ms a call, 0.0 ms in the baseline, for as much work" in piece.text for piece in finding.evidence)
    assert run.quoted(finding)


def test_an_injected_load_whose_proofs_failed_explains_less(run):
    assert busy(run, proven=()).findings()[0].confidence < 0.5


def test_a_statement_that_reads_more_than_before_is_not_laid_at_the_fault_s_door(run):
    finding = busy(run, blocks=300).findings()[0]
    assert not any("for as much work" in piece.text for piece in finding.evidence)


def test_the_platform_s_own_heavy_statement_is_named_beside_an_injected_load(run):
    slow(run).fault("slow-queries", 25, 50, proxy="", database="main")
    finding = run.findings()[0]
    assert finding.explained_by_fault is None
    assert QUERY in finding.summary
