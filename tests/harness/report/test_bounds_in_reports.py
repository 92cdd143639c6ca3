"""What was waived, and where the load was kept from going, stand in the result, the report and the incident."""

from __future__ import annotations

from pathlib import Path

from harness.journal.reader import JournalView
from harness.journal.record import LoadKeptIn, RailWaived, RunStarted, VerdictReached
from harness.report import html, incident, markdown
from harness.report.markdown_template import render as render_template
from harness.report.result import build

STARTED = RunStarted(t=0.1, run="r1", version="0", started_at="2026-01-01T00:00:00+00:00", runbook="t",
                     runbook_path="book.yaml", hypothesis="h", expect="held", target="t", target_path="target.yaml",
                     environment="practice", base_url="http://127.0.0.1:1")  # fmt: skip
VIEW = JournalView(
    (
        STARTED,
        RailWaived(rail="hours", opt_out="--outside-hours", what="it is Sun, outside mon-fri | 09:00"),
        RailWaived(rail="hours", opt_out="--outside-hours", what="told again"),
        LoadKeptIn(address="203.0.113.9:443", connects=3),
        LoadKeptIn(address="203.0.113.9:443", connects=4),
        LoadKeptIn(address="[2001:db8::1]:80", connects=1),
        VerdictReached(verdict="deviated", reason="api p95", exit_code=10),
    )
)


def test_the_result_has_both_as_values() -> None:
    result = build(VIEW)
    assert [(w.rail, w.opt_out) for w in result.waived] == [("hours", "--outside-hours")]
    assert result.load.outside == {"203.0.113.9:443": 7, "[2001:db8::1]:80": 1}
    assert build(JournalView((STARTED,))).load.outside == {}


def test_the_incident_says_what_was_waived(tmp_path: Path) -> None:
    built = incident.build(VIEW, tmp_path)
    assert built.waived == ("hours, by --outside-hours: it is Sun, outside mon-fri | 09:00",)
    text = render_template("incident.md.j2", incident=built)
    assert "Guard rail waived: hours, by" in text


def test_both_reports_have_a_row_for_each(tmp_path: Path) -> None:
    for text in (markdown.render(VIEW, tmp_path), html.render(VIEW, tmp_path)):
        assert text.count("Guard rail waived") == 1
        assert "--outside-hours" in text
        assert text.count("Kept inside the allow list") == 2
        assert "7 connects to 203.0.113.9:443 refused" in text
