"""Rows as people write them: three forms, and nothing that could be SQL of its own."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from faults.database_table import TableName
from faults.row_selection import Rows, RowSelection, said_rows, selection


@pytest.mark.parametrize(
    ("text", "means", "said"),
    [
        ("50", RowSelection(count=50), "50 rows"),
        ("1", RowSelection(count=1), "1 row"),
        ("20%", RowSelection(share=0.2), "20% of the rows"),
        ("0.5 %", RowSelection(share=0.005), "0.5 % of the rows"),
        ("id in (1, 2,3)", RowSelection(column="id", values=("1", "2", "3")), "the rows with id in (1, 2,3)"),
        ("ID IN (-1)", RowSelection(column="id", values=("-1",)), "the rows with ID IN (-1)"),
        ("status = 'PENDING'", RowSelection(column="status", values=("PENDING",)), "the rows with status = 'PENDING'"),
        (
            "name in ('O''Hara', '1, 2')",
            RowSelection(column="name", values=("O'Hara", "1, 2")),
            "the rows with name in",
        ),
    ],
)
def test_a_number_a_share_and_a_column_with_its_values_are_read(text: str, means: RowSelection, said: str) -> None:
    assert selection(text) == means
    assert said_rows(text).startswith(said)


def test_values_go_beside_the_statement_and_the_column_into_quotes() -> None:
    assert selection("id in (1, '2')").where == 'where "id" in (%s, %s)'
    assert selection("50").where == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "10001", "0%", "101%", "-5", "all", "id", "id in ()", "id in (1", "id in (1,)x", "id in (now())",
        "id = 1, 2", "id in (1) or true", "id in (1); drop table orders", "id = 1 or 1 = 1", "id > 5", "lower(id) = 1",
        "a.id in (1)", '"id" in (1)', "id in ('a)", "id in (1 2)", "id in (select 1)",
        f"id in ({', '.join(map(str, range(101)))})",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"->|no share between"):
        selection(text)


@pytest.mark.parametrize("value", [True, 1.5, None, ["id"], {"id": [1]}])
def test_what_is_no_text_and_no_number_is_a_defect(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Rows).validate_python(value)


def test_a_whole_number_is_as_good_as_text() -> None:
    assert TypeAdapter(Rows).validate_python(50) == "50"


@pytest.mark.parametrize("name", ["orders", "public.orders", '"Orders"', 'sales."my orders"', "_t$1"])
def test_table_names_are_taken_as_the_platform_writes_them(name: str) -> None:
    assert TypeAdapter(TableName).validate_python(f" {name} ") == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a.b.c", "a;b", "orders--", "(select 1)", '"a', "1a", "a." * 80, 5, None, '"a\x00"']
)
def test_what_is_no_table_s_name_is_a_defect(name: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TableName).validate_python(name)
