"""`gameday faults`: what can break, what each kind needs, how it is proven and healed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from faults import catalog
from harness.errors import BadInput
from runbooks.fault_manual import PLACES, KindManual, manual_of
from runbooks.parsing.suggestion import suggest

_HEADINGS = {
    "proxy": "on a proxy",
    "database": "on a database's server",
    "cache": "on a cache's server",
    "container": "on containers",
    "host": "on a host",
    "platform": "on anything else",
}


@click.command()
@click.argument("kind", default="")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def faults(kind: str, *, as_json: bool) -> None:
    """The kinds of faults, or all there is to know of KIND: needs, parameters, effect, proof, healing, an example."""
    manuals = _manuals()
    if kind and kind not in {manual.name for manual in manuals}:
        mend = suggest(kind, [manual.name for manual in manuals], what="the kinds are")
        raise BadInput(f"there is no fault kind {kind!r}{_broken_in_words()}", mend=mend)
    chosen = [manual for manual in manuals if kind in ("", manual.name)]
    if as_json:
        broken = [{"plugin": str(plugin), "problem": plugin.problem} for plugin in catalog.plugins() if plugin.problem]
        said = {"kinds": [asdict(manual) for manual in chosen], **({} if kind else {"broken_plugins": broken})}
        click.echo(json.dumps(said, indent=2))
        return
    console = Console(highlight=False)
    if kind:
        _page(console, chosen[0])
    else:
        _list(console, chosen)


def _manuals() -> list[KindManual]:
    owners = {kind.name: str(plugin) for plugin in catalog.plugins() for kind in plugin.kinds}
    return [manual_of(kind, owners.get(kind.name, "")) for kind in catalog.all_kinds()]


def _list(console: Console, manuals: list[KindManual]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for place in PLACES:
        here = [manual for manual in manuals if manual.on == place]
        if here:
            table.add_row(Text(_HEADINGS[place], style="bold"), "")
        for manual in here:
            table.add_row(f"  {manual.name}", Text(f"{manual.summary}{_whose(manual)}"))
    console.print(table)
    for plugin in catalog.plugins():
        if plugin.problem:
            console.print(Text(f"{plugin} can't be used: {plugin.problem}", style="bold red"))
    console.print(Text("All of one: gameday faults KIND"), style="dim")


def _page(console: Console, manual: KindManual) -> None:
    console.print(Text(f"{manual.name}: {manual.summary}{_whose(manual)}", style="bold"))
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, text in (
        ("sits", _HEADINGS[manual.on]),
        ("needs", manual.needs),
        ("effect", f"{manual.effect} (of the line below)"),
        ("proven", manual.proven),
        ("healed", manual.healed),
    ):
        facts.add_row(label, Text(text))
    console.print(facts)
    if manual.parameters:
        console.print()
        console.print(_parameters(manual))
    console.print()
    # as it is: it can be copied, however wide the terminal
    sys.stdout.write(f"{manual.example}\n")


def _parameters(manual: KindManual) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("parameter", "written as", "default", "range"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "parameter")
    for parameter in manual.parameters:
        default = parameter.default or "must be there"
        written = f"{parameter.written} ({parameter.meaning})" if parameter.meaning else parameter.written
        table.add_row(parameter.name, Text(written), Text(default), Text(parameter.range))
    return table


def _whose(manual: KindManual) -> str:
    return f" ({manual.plugin})" if manual.plugin else ""


def _broken_in_words() -> str:
    broken = [f"{plugin} can't be used: {plugin.problem}" for plugin in catalog.plugins() if plugin.problem]
    return f" ({'; '.join(broken)})" if broken else ""
