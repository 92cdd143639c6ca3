from __future__ import annotations

from pathlib import Path

import pytest

from harness.journal import record as r
from harness.journal.reader import JournalView
from harness.report import markdown
from harness.report.markdown_template import code, escape, link

HOSTILE = "<script>alert(1)</script> | `x` [a](http://evil) *b* # c"


def test_the_guides_parts_stand_in_the_report(stopped_records: list[r.Record]) -> None:
    text = markdown.render(JournalView(tuple(stopped_records)), Path("runs/x"))
    parts = [
        "**STOPPED**",
        "## Test configuration",
        "## Results",
        "## Issues found",
        "## Recommendations",
        "## Timeline",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    for number in (
        "| Duration |",
        "| Users | 100",
        "| Ramp-up | 20 users a second",
        "| Average response time |",
        "| Throughput |",
    ):
        assert number in text
    assert "✔ met: 31.2 ms | ✘ NOT met: 4.21 s | – |" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b c", "a_b c"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("x | y", r"x \| y"),
        ("<img src=x>", "&lt;img src=x>"),
        ("p95 < 200 ms", "p95 < 200 ms"),
        ("[a](b)", r"\[a\](b)"),
        ("# a\n# b", r"\# a # b"),
        ("1. first", r"1\. first"),
        ("- item", r"\- item"),
        ("+52.5 s", "+52.5 s"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
    ],
)
def test_outside_text_stays_text(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_a_code_span_survives_its_own_backticks() -> None:
    assert code("echo `date`") == "`` echo `date` ``"


def test_a_link_never_leaves_the_run_folder() -> None:
    assert link("evidence/a b.log", 3) == "[evidence/a b.log:3](evidence/a%20b.log)"
    assert link("../../etc/passwd") == "`../../etc/passwd`"


def test_names_from_outside_make_no_markup(stopped_records: list[r.Record]) -> None:
    start, *rest = stopped_records
    assert isinstance(start, r.RunStarted)
    note = r.Note(t=30, text=HOSTILE)
    text = markdown.render(JournalView((start.model_copy(update={"runbook": HOSTILE}), *rest, note)), Path("runs/x"))
    assert "<script" not in text
    assert "[a](http://evil)" not in text.replace(r"\[a\]", "")
    assert all(line.count(" | ") == 2 for line in text.splitlines() if line.startswith("| 14:03:"))


def test_every_beginning_of_a_journal_has_a_report(stopped_records: list[r.Record]) -> None:
    ordered = sorted(stopped_records, key=lambda x: x.t)
    for end in [*range(0, len(ordered), 25), len(ordered)]:
        assert markdown.render(JournalView(tuple(ordered[:end]), unreadable=1), Path("runs/x")).startswith("# Game day")
