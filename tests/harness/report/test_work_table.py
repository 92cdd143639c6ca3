"""The report's tables of what databases and caches did."""

from __future__ import annotations

from pathlib import Path

from harness.journal import record as r
from harness.journal.histogram import bucket_of
from harness.journal.reader import JournalView
from harness.journal.work import Blocker, StatementWork
from harness.report import html, markdown, work_table

HOSTILE = "select * from a where b = '<script>|`x`'"


def records(*, faults: bool) -> list[r.Record]:
    started = r.RunStarted(
        run="r1", version="0", started_at="2026-11-22T14:03:00+00:00", runbook="t", runbook_path="b", hypothesis="",
        expect="held", target="t", target_path="t", environment="practice", base_url="http://x",
    )  # fmt: skip
    stats = r.RequestStats(requests=10, histogram={bucket_of(20): 10})
    windows = [r.Window(t=i + 1, start=i, end=i + 1, names={"GET /": stats}) for i in range(20)]
    phases = [r.PhaseStarted(t=0.0, name="baseline"), r.PhaseEnded(t=10.0, name="baseline")]
    if faults:
        phases += [r.PhaseStarted(t=10.0, name="faults"), r.PhaseEnded(t=20.0, name="faults")]
    return [started, *phases, *windows, *work()]


def work() -> list[r.Record]:
    def done(calls: int, ms: float, blocks: int) -> StatementWork:
        return StatementWork(id="1", query=HOSTILE, calls=calls, total_ms=calls * ms, rows=calls, blocks=calls * blocks)

    root = Blocker(pid=7, application_name="job", state="idle in transaction", statement="lock table a")
    return [
        r.DatabaseWork(t=10, source="database.main", start=0, end=10, statements=(done(50, 2.0, 4),)),
        r.DatabaseWork(t=20, source="database.main", start=10, end=20, statements=(done(200, 30.0, 3000),)),
        r.LockWaits(t=15, source="database.main", start=14, end=15, samples=5, blocked_samples=5, blocked=2,
                    most_blocked=3, roots=(root,), relations=("public.a",)),
        r.CacheWork(t=10, source="cache.main", start=0, end=10, hits=90, misses=10, max_memory_bytes=1024),
        r.CacheWork(t=20, source="cache.main", start=10, end=20, hits=10, misses=90, evicted=7, max_memory_bytes=1024),
    ]  # fmt: skip


def test_each_number_is_set_beside_the_one_of_the_baseline() -> None:
    table = work_table.build(JournalView(tuple(records(faults=True))))
    [database] = table.databases
    [row] = database.statements
    assert (row.calls, row.per_request, row.mean) == ("50 → 200", "0.5 → 2", "2 ms → 30 ms")
    assert (row.blocks, row.rows) == ("4 → 3\u202f000", "1 → 1")
    assert "waited for locks on public.a in 100% of 5 looks, 3 of them" in database.locks
    assert "pid 7, job, idle in transaction: lock table a" in database.locks
    [cache] = table.caches
    assert (cache.hit_rate, cache.evicted, cache.memory) == ("90% → 10%", "0 → 7", "0 B of 1.0 KiB")


def test_without_faults_there_is_one_number_each() -> None:
    table = work_table.build(JournalView(tuple(records(faults=False))))
    [row] = table.databases[0].statements
    assert (row.calls, row.per_request) == ("250", "1.2")
    assert table.caches[0].hit_rate == "50%"
    assert table.told == "while the load ran"


def test_a_run_that_watched_nothing_has_no_section(tmp_path: Path) -> None:
    view = JournalView(tuple(records(faults=True)[:-5]))
    assert not work_table.build(view).any
    assert "Database work" not in markdown.render(view, tmp_path)
    assert "Database work" not in html.render(view, tmp_path)


def test_statements_are_escaped_in_both_reports(tmp_path: Path) -> None:
    view = JournalView(tuple(records(faults=True)))
    page, text = html.render(view, tmp_path), markdown.render(view, tmp_path)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;script>\\|\\`x\\`" in text
