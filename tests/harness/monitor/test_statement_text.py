"""Statements as they may be shown."""

from __future__ import annotations

import pytest

from harness.monitor.statement_text import plain_statement


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("select *\n  from a -- why\n where b = $1", "select * from a where b = $1"),
        ("update i set mail = 'a@b.c' where id = 42", "update i set mail = '?' where id = ?"),
        ("select 'it''s', E'o\\'k', $$dollar$$, $t$x$t$", "select '?', '?', '?', '?'"),
        ("alter role x password 'cut in the midd", "alter role x password '?'"),
        ("select a1, t2.c3, 1.5 /* user 7 */ from t2", "select a1, t2.c3, ? from t2"),
        ("", ""),
    ],
)
def test_values_and_comments_are_left_out_and_names_stay(text, shown):
    assert plain_statement(text) == shown


def test_a_long_one_is_cut():
    assert plain_statement("select " + "a, " * 500, 20) == "select a, a, a, a,…"


def test_a_hostile_one_keeps_nobody_busy():
    assert len(plain_statement("'" * 20_000 + "/*" * 20_000)) <= 300
