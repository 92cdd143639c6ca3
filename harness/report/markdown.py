"""`report.md`: the guide's report (configuration, results, issues, recommendations), the verdict first."""

from __future__ import annotations

from pathlib import Path

from harness.journal.reader import JournalView
from harness.report import markdown_template, page

FILE = "report.md"


def render(view: JournalView, run_folder: Path) -> str:
    """The report of a run as Markdown; everything from outside is escaped, links are relative to the run folder."""
    return markdown_template.render("report.md.j2", page=page.build(view, run_folder))
