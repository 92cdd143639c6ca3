"""The guide's report of a load test on the terminal: what was measured, and whether it was a success."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.report import format as say
from harness.report.measured import EndpointResult
from harness.report.result import Result

MOST_ENDPOINTS = 12
_ANSWERS = {True: ("yes", "green"), False: ("NO", "bold red"), None: ("unknown", "yellow")}


def load_summary(result: Result) -> tuple[RenderableType, Text] | None:
    """The table of the endpoints, then the resources and the checklist; None for a run that is no load test."""
    if not result.success_criteria:
        return None
    lines = Text()
    hidden = len(result.endpoints) - MOST_ENDPOINTS
    if hidden > 0:
        lines.append(f"and {hidden} more, in the report\n", style="dim")
    for resource in result.resources:
        lines.append(f"  {resource.name} {resource.mean_text} (at most {resource.max_text})\n")
    lines.append("\n")
    for criterion in result.success_criteria:
        word, style = _ANSWERS[criterion.met]
        lines.append(f"{word:<8}", style=style).append(f"{criterion.text}: {criterion.detail}\n")
    lines.rstrip()
    return Group(Text(), _endpoints(result.endpoints)), lines


def _endpoints(endpoints: tuple[EndpointResult, ...]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("request", overflow="fold")
    for heading in ("number", "mean", "p95", "max", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for endpoint in endpoints[:MOST_ENDPOINTS]:
        times = (endpoint.mean_ms, endpoint.p95_ms, endpoint.max_ms)
        failed = say.percent(endpoint.error_rate)
        table.add_row(Text(endpoint.name), say.count(endpoint.requests), *map(say.milliseconds, times), failed)
    return table
