"""`gameday sandbox up | down | status`."""

from __future__ import annotations

import sys

import click

from harness.errors import BadInput
from runbooks.sandbox.defects import DEFECTS, defect_named
from runbooks.sandbox.sandbox import Sandbox, list_running, take_down

NAME = click.option("--name", default="default", show_default=True, help="Several sandboxes can be up at once.")


@click.group()
def sandbox() -> None:
    """The practice platform: a crowdfunding API with PostgreSQL, a cache, a payment provider and two hosts."""


@sandbox.command()
@NAME
@click.option("--bypass", is_flag=True, help="The application goes past the proxy: a run on it must be invalid.")
@click.option("--defect", default="", metavar="NAME", help=f"Start it with a named defect: {', '.join(DEFECTS)}.")
def up(name: str, bypass: bool, defect: str) -> None:  # noqa: FBT001 - click hands options over by name
    """Bring a sandbox up and leave it up.

    With --defect the platform is started with a bottleneck that the analysis must name: play a load test on it and read
    the report. `gameday sandbox defects` tells what is wrong in each.
    """
    broken = defect_named(defect)
    running = Sandbox.find(name)
    if running and (bypass or defect):
        raise BadInput(
            f"the sandbox {name!r} is up already", mend=f"gameday sandbox down --name {name}, or --name OTHER"
        )
    box = running or Sandbox.up(name, bypass=bypass, defect=defect, say=click.echo)
    click.echo(f"sandbox {name} is {'already ' if running else ''}up at {box.base_url}")
    if defect:
        click.echo(f"its defect is {defect}: {broken.what}")
    click.echo(f"target file: {box.target}")
    click.echo(f"play on it: gameday run drill --target sandbox:{name}")


@sandbox.command()
def defects() -> None:
    """The named defects, and what is wrong with the platform in each."""
    width = max(len(name) for name in DEFECTS)
    for name, defect in sorted(DEFECTS.items()):
        click.echo(f"{name:{width}}  {defect.what}")


@sandbox.command()
@NAME
def down(name: str) -> None:
    """Take a sandbox down, with all that belongs to it, dead or alive."""
    was_there = take_down(name)
    click.echo(f"sandbox {name} is down" if was_there else f"no sandbox named {name} is up")


@sandbox.command()
def status() -> None:
    """Which sandboxes there are. Exits 1 when there is none."""
    boxes = list_running()
    for box in boxes:
        ended = f" (ended: {', '.join(box.ended)})" if box.ended else ""
        broken = f" with the defect {box.defect}" if box.defect else ""
        mend = f": gameday sandbox down --name {box.name}" if box.state == "dead" else ""
        click.echo(f"{box.name} is {box.state} at {box.base_url or box.folder}{broken}{ended}{mend}")
    if not boxes:
        click.echo("no sandbox is up")
        sys.exit(1)
