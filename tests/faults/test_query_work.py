"""The work of slow-queries: statements of about the same time on any server, and never too large."""

from __future__ import annotations

import pytest

from faults.query_work import AIM_S, NumberWork, TableWork, Work


def settled(work: Work, units_per_s: float) -> tuple[int, float]:
    """The size after a few statements on a server of that speed, and how long the last took."""
    size = work.first()
    for _ in range(12):
        size = work.next_size(size, size / units_per_s)
    return size, size / units_per_s


@pytest.mark.parametrize("rows_per_s", [20_000, 300_000, 3_000_000])
def test_a_statement_lasts_as_long_on_a_slow_server_as_on_a_fast_one(rows_per_s: float) -> None:
    _, took_s = settled(NumberWork("cpu"), rows_per_s)
    assert took_s == pytest.approx(AIM_S, rel=0.1)


def test_however_fast_the_server_is_statements_and_their_files_stay_bounded() -> None:
    assert settled(NumberWork("cpu"), 1e12)[0] == 5_000_000
    assert settled(NumberWork("sort"), 1e12)[0] == 500_000
    assert settled(TableWork("cpu", "public.orders", 100_000), 1e12)[0] == 4096


def test_a_server_that_stands_still_gets_the_smallest_statement_next() -> None:
    assert settled(NumberWork("cpu"), 1)[0] == 1000
    assert settled(TableWork("sort", "public.orders", 500), 0.01)[0] == 1


def test_a_table_is_read_in_stretches_that_lie_within_it() -> None:
    work = TableWork("cpu", "public.orders", 100)
    for _ in range(50):
        sql, (begin, end) = work.statement(10)
        assert "from public.orders t where ctid >= %s::tid and ctid < %s::tid" in sql
        first, last = (int(str(tid).strip("()").partition(",")[0]) for tid in (begin, end))
        assert 0 <= first <= 90
        assert last == first + 10
    assert TableWork("cpu", "public.empty", 0).statement(1)[1] == ("(0,0)", "(1,0)")


@pytest.mark.parametrize("work", [NumberWork("sort"), TableWork("sort", "public.orders", 9)])
def test_gameday_s_own_statements_are_marked_and_those_that_sort_do(work: Work) -> None:
    sql, _ = work.statement(work.first())
    assert sql.startswith("/* gameday */ select count(m)")
    assert "order by m offset 0" in sql
