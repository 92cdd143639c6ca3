"""The work between two looks, also where somebody set the counters back."""

from __future__ import annotations

from dataclasses import replace

from harness.monitor.database_counters import DatabaseCounters, StatementTotals, TableTotals
from harness.monitor.database_difference import TOP, difference


def counters(t=0.0, *, since=100.0, statements_since=50.0, tables=None, **statements):
    return DatabaseCounters(
        t=t, transactions=1000 + int(t), rollbacks=3, deadlocks=1, temp_bytes=0, since=since,
        statements_since=statements_since, statements=statements, tables=tables or {},
    )  # fmt: skip


def totals(calls, ms=10.0, *, since=0.0, blocks=40):
    return StatementTotals(calls, ms, calls, blocks, 0, 0, since)


def test_what_grew_is_the_work_and_what_stood_still_is_none():
    work = difference(
        "database.main", counters(a=totals(5), b=totals(9)), counters(10.0, a=totals(8, 14.5), b=totals(9))
    )
    assert (work.start, work.end, work.transactions, work.reset) == (0.0, 10.0, 10, False)
    [done] = work.statements
    assert (done.id, done.calls, done.total_ms, done.rows, done.blocks) == ("a", 3, 4.5, 3, 0)


def test_a_statement_that_is_new_counts_from_zero():
    work = difference("database.main", counters(), counters(5.0, a=totals(8)))
    assert [(s.id, s.calls, s.blocks) for s in work.statements] == [("a", 8, 40)]
    assert not work.reset


def test_statements_that_were_set_back_count_from_zero_and_it_is_said():
    before, after = counters(a=totals(500, 900.0)), counters(5.0, statements_since=60.0, a=totals(600, 1000.0))
    work = difference("database.main", before, after)
    assert work.reset
    assert [(s.calls, s.total_ms) for s in work.statements] == [(600, 1000.0)]


def test_one_statement_that_was_set_back_or_dropped_for_room_does_not_go_below_zero():
    work = difference("database.main", counters(a=totals(500), b=totals(4)), counters(5.0, a=totals(7), b=totals(5)))
    assert {s.id: s.calls for s in work.statements} == {"a": 7, "b": 1}
    assert work.reset


def test_an_entry_that_began_anew_with_more_calls_than_before_is_known_by_its_date():
    before, after = counters(a=totals(5, since=10.0)), counters(5.0, a=totals(7, 20.0, since=20.0))
    assert [s.calls for s in difference("database.main", before, after).statements] == [7]


def test_a_restarted_server_has_counted_from_zero():
    after = replace(counters(5.0, since=200.0), transactions=12, rollbacks=0, deadlocks=0)
    work = difference("database.main", counters(), after)
    assert (work.transactions, work.deadlocks, work.reset) == (12, 0, True)


def test_those_with_most_time_and_those_with_most_calls_are_kept():
    many = {f"s{i}": totals(1000 - i, float(i)) for i in range(200)}
    kept = difference("database.main", counters(), counters(5.0, **many)).statements
    assert len(kept) == 2 * TOP
    assert [kept[0].id, kept[-1].id] == ["s199", "s0"]


def test_tables_that_nobody_touched_are_left_out():
    quiet, busy = TableTotals(9, 99, 0, 0, 12, 0, 0), TableTotals(2, 10, 0, 4, 50, 7, 40)
    last = counters(tables={"public.q": quiet, "public.b": busy})
    now = counters(5.0, tables={"public.q": quiet, "public.b": replace(busy, sequential_rows=610, sequential_scans=5)})
    [table] = difference("database.main", last, now).tables
    assert (table.name, table.sequential_scans, table.sequential_rows) == ("public.b", 3, 600)
    assert (table.live, table.dead, table.modified) == (50, 7, 40)
