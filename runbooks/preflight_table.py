"""What preflight found and the plan with its times, as tables that also read well in a file and in 80 columns."""

from __future__ import annotations

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from runbooks.plan import plan_of
from runbooks.preflight.check import Check, Preflight
from runbooks.runbook import Runbook

_WIDEST = 22
_STYLES = {"ok": "green", "warn": "yellow", "FAIL": "bold red", "REFUSED": "bold red"}


class _Plain:
    """A table with rules on a terminal and with nothing but spaces elsewhere."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self._table.box = box.SIMPLE_HEAD if console.is_terminal and not options.ascii_only else None
        yield self._table


def preflight_table(preflight: Preflight) -> RenderableType:
    """Every check with its mend, and what it comes to."""
    table = _table("", "area", "what", "found")
    area = ""
    for check in preflight.checks:
        word = _word(check)
        shown = check.area if check.area != area else ""
        area = check.area
        table.add_row(Text(word, style=_STYLES[word]), shown, Text(check.name), _found(check))
    return Group(_Plain(table), Text(verdict(preflight), style=_STYLES[_total(preflight)]))


def plan_table(runbook: Runbook) -> RenderableType:
    """Phases and faults by the time since the start, then what is judged and what stops the run."""
    table = _table("from", "to", "what", "how", right=2)
    for row in plan_of(runbook):
        style = "bold" if row.is_phase else ""
        what = row.what if row.is_phase else f"  {row.what}"
        table.add_row(row.start, row.end, Text(what, style=style), Text(row.how))
    return Group(_Plain(table), _stops(runbook))


def verdict(preflight: Preflight) -> str:
    """One sentence: ready, broken or refused, and how many of what."""
    failed = sum(check.ok is False and not check.refusal for check in preflight.checks)
    refusals = sum(check.ok is False and check.refusal for check in preflight.checks)
    warnings = sum(check.ok is None for check in preflight.checks)
    counts = [f"{sum(check.ok is True for check in preflight.checks)} fine"]
    for number, word in ((warnings, "to know"), (failed, "to mend"), (refusals, "refused")):
        if number:
            counts.append(f"{number} {word}")
    state = "refused" if refusals else "not ready" if failed else "ready"
    return f"{state}: {', '.join(counts)}"


def _total(preflight: Preflight) -> str:
    if preflight.refused:
        return "REFUSED"
    return "ok" if preflight.ok else "FAIL"


def _word(check: Check) -> str:
    if check.ok is None:
        return "warn"
    if check.ok:
        return "ok"
    return "REFUSED" if check.refusal else "FAIL"


def _found(check: Check) -> Text:
    text = Text(check.detail)
    if check.mend and not check.ok:
        text.append(f"\n-> {check.mend}", style="italic")
    return text


def _stops(runbook: Runbook) -> Text:
    lines = [f"stops when {condition.text}" for condition in runbook.stop_when] or ["stops when a person says so"]
    if runbook.expect != "held":
        lines.append(f"is expected to end: {runbook.expect}")
    return Text("\n".join(lines))


def _table(*headings: str, right: int = 0) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for index, heading in enumerate(headings):
        last = index == len(headings) - 1
        width = None if last else _WIDEST
        table.add_column(heading, justify="right" if index < right else "left", overflow="fold", max_width=width)
    return table
