"""`report.html`: one self-contained file. No script, no network; everything from outside is escaped."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.journal.reader import JournalView
from harness.report import chart_data, comparison_table, page
from harness.report import format as say
from harness.report.evidence_link import relative

FILE = "report.html"
_WIDE, _NARROW = 1040, 350  # pixels of the two drawings of the chart; the style sheet shows one of them


def render(view: JournalView, run_folder: Path) -> str:
    """The report of a run as one HTML document; links are relative to the run folder."""
    return _environment().get_template("report.html.j2").render(page=page.build(view, run_folder), charts=_charts(view))


def _charts(view: JournalView) -> tuple[Markup, ...]:
    """The same chart, drawn wide and narrow; none without load."""
    data = chart_data.collect(view)
    if data.empty:
        return ()
    chart = import_module("harness.report.chart")  # Altair takes most of a second: only who draws pays for it
    return tuple(Markup(chart.svg(data, width)) for width in (_WIDE, _NARROW))  # noqa: S704 - Vega escapes its texts


def _symbol(met: bool | None) -> str:  # noqa: FBT001 - a value with three states, no switch
    return "?" if met is None else "✔" if met else "✘"


def _state(met: bool | None) -> str:  # noqa: FBT001 - a value with three states, no switch
    """The name of the CSS class."""
    return "unknown" if met is None else "good" if met else "bad"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(compared=comparison_table.rows, symbol=_symbol, state=_state, relative=relative)
    environment.globals.update(say=say, caveat=comparison_table.CAVEAT)
    return environment
