"""Tables and columns of a normalised statement, as far as an index needs them."""

from __future__ import annotations

import pytest

from harness.analysis.statement_shape import has_index, looks_by, reads_from
from harness.journal.work import TableShape, TableWork

APPS = TableShape(name="public.apps", rows=12, columns=("id", "name", "raised"), indexes=(("id",),))
GIVEN = TableShape(
    name="public.investments", rows=400_000, columns=("id", "app_id", "investor_id", "amount"), indexes=(("id",),)
)


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("select * from investments where app_id = $1", ("app_id",)),
        ('select * from "investments" i where i.amount > $1 and i.app_id = any($2)', ("app_id", "amount")),
        ("select a.id from apps a left join investments i on i.app_id = a.id group by a.id", ("app_id",)),
        ("select a.id from apps a join investments i on a.id = i.app_id where a.name = $1", ("app_id",)),
        ("update investments set amount = $1 where investor_id in ($2)", ("investor_id",)),
        ("select count(*) from investments", ()),
        ("select * from public.investments where lower(nothing) = $1", ()),
    ],
)
def test_the_columns_that_rows_are_looked_for_by(query, columns):
    assert looks_by(query, GIVEN) == columns


def test_the_table_with_most_rows_read_one_after_the_other_is_the_one_that_costs():
    query = "select a.id from apps a left join investments i on i.app_id = a.id"
    assert reads_from(query, (APPS, GIVEN), {}) is GIVEN
    scanned = {"public.apps": TableWork(name="public.apps", sequential_rows=10**9)}
    assert reads_from(query, (APPS, GIVEN), scanned) is APPS
    assert reads_from("select 1", (APPS, GIVEN), {}) is None


def test_an_index_counts_where_it_begins_with_the_column():
    table = GIVEN.model_copy(update={"indexes": (("investor_id", "app_id"),)})
    assert has_index(table, ["investor_id"])
    assert not has_index(table, ["app_id"])
