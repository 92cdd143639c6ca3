"""The statements' totals as servers of several versions offer them."""

from __future__ import annotations

from harness.monitor.database_counters import MARK, _select

OLD = ["userid", "dbid", "queryid", "query", "calls", "total_time", "rows"]
NEW = ["userid", "dbid", "queryid", "query", "calls", "total_exec_time", "rows", "toplevel", "stats_since"]


def test_an_old_view_has_other_names_and_no_dates():
    sql = _select("public", OLD, has_info=False, shared=False)
    assert "sum(total_time)" in sql
    assert "toplevel" not in sql
    assert "stats_since" not in sql
    assert "pg_stat_statements_info" not in sql


def test_a_new_view_leaves_nested_statements_out_and_dates_its_entries():
    sql = _select('"Monitoring"', NEW, has_info=True, shared=False)
    assert "sum(total_exec_time)" in sql
    assert "and toplevel" in sql
    assert "max(stats_since)" in sql
    assert 'from "Monitoring".pg_stat_statements_info' in sql


def test_our_own_role_is_left_out_unless_the_platform_uses_it_too():
    assert "userid <>" in _select("public", NEW, has_info=True, shared=False)
    assert "userid <>" not in _select("public", NEW, has_info=True, shared=True)
    assert _select("public", NEW, has_info=True, shared=True).startswith(MARK)
