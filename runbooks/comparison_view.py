"""Two runs side by side on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.journal.comparison import Comparison
from harness.report import comparison_table

_STYLES = {True: "green", False: "bold red", None: ""}


def print_comparison(console: Console, comparison: Comparison) -> None:
    """The table, what differs in the inputs, and what the numbers can't tell."""
    console.print(f"\nCompared with {comparison.run}:", markup=False, soft_wrap=True)
    for difference in comparison.differences:
        console.print(Text(f"  differs   {difference}", style="yellow"), soft_wrap=True)
    found = comparison_table.rows(comparison)
    if not found:
        console.print("  neither run judged a service level", soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in comparison_table.HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in found:
        change = Text(row.change, style=_STYLES[row.good])
        table.add_row(Text(row.level), row.phase, row.before, row.after, change)
    console.print(table)
    console.print(Text(comparison_table.CAVEAT, style="dim"), soft_wrap=True)
